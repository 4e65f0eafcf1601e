"""Pages that stand by themselves and print on A4: markup, tables, charts. Text is escaped where markup is made of it. Pure."""

from collections.abc import Sequence
from html import escape

CSS = (
    "@page{size:A4;margin:16mm}"
    "body{font:11pt/1.55 'Noto Sans CJK JP','Hiragino Sans','Yu Gothic',sans-serif;color:#000;background:#fff;max-width:180mm;margin:auto}"
    "article+article{break-before:page}h1{font-size:16pt;margin:0 0 2mm}h2{font-size:12.5pt;margin:7mm 0 1mm;break-after:avoid}"
    ".small,section>p{font-size:9.5pt}.first{border:1.5pt solid #000;padding:3mm 3mm 3mm 10mm}"
    "table{border-collapse:collapse;width:100%;font-size:9pt;margin:2mm 0}th,td{border:.5pt solid #666;padding:1mm 1.5mm;text-align:left;"
    "vertical-align:top}th{background:#eee}tr,figure{break-inside:avoid}figure{margin:2mm 0}svg text{font-size:11px}dt{font-weight:bold}"
    "dd{margin:0 0 1mm 6mm}"
)
WIDTH = 680
"""Of a chart, in pixels; it is as wide as the page."""
HATCHED = "url(#hatched)"
_PATTERN = (
    '<defs><pattern id="hatched" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="6" height="6" fill="#fff"/><line x1="0" y1="0" x2="0" y2="6" stroke="#000" stroke-width="3"/></pattern></defs>'
)


class Markup(str):
    """What is markup already, where text is expected too."""


def page(title: str, articles: Sequence[str], more_css: str = "") -> str:
    """The whole file; its first language is Japanese."""
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    style = f"<style>{CSS}{more_css}</style>"
    return f'<!DOCTYPE html>\n<html lang="ja"><head>{head}{style}</head>\n<body>\n' + "\n".join(articles) + "\n</body></html>\n"


def tag(name: str, text: object) -> str:
    return f"<{name}>{_markup(text)}</{name}>"


def small(text: object) -> str:
    return f"<p class=small>{_markup(text)}</p>"


def table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    head = "".join(f"<th scope=col>{escape(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(tag('td', cell) for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def chart(title: str, told: str, height: float, marks: Sequence[str]) -> str:
    """``told``: what it shows, for whoever does not see it."""
    size = f'viewBox="0 0 {WIDTH} {height:g}" width="100%"'
    return f'<figure><svg role="img" {size}>{tag("title", title)}{tag("desc", told)}{_PATTERN}{"".join(marks)}</svg></figure>'


def text_at(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def bar(x: float, y: float, width: float, height: float, fill: str = "#333") -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}" stroke="#000"/>'


def dot(x: float, y: float, fill: str = "#000") -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{fill}" stroke="#000"/>'


def line(x: float, y: float, to_x: float, to_y: float, dashed: bool = False) -> str:
    dashes = ' stroke-dasharray="3 3"' if dashed else ""
    return f'<line x1="{x:.1f}" x2="{to_x:.1f}" y1="{y:.1f}" y2="{to_y:.1f}" stroke="#000"{dashes}/>'


def _markup(text: object) -> str:
    return text if isinstance(text, Markup) else escape(str(text))

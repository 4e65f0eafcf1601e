-- What: the kiosks whose share of late hops is surely the largest (by `at_least`), where there are enough to say so
-- Parameter least UInt32 = 20: kiosks with fewer hops of which it is known are left out
-- Parameter hop String = : only this hop; empty: all
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: entered at or after this instant
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: entered before it
-- Column kiosk: the kiosk
-- Column vendor: whose it is
-- Column kiosk_municipality: where it stands
-- Column undetermined: hops whose end was not observed: in none of the figures that follow
-- Column hops: hops of which it is known whether they were in time
-- Column late: of them, how many were late, or are open beyond their limit
-- Column share: late / hops
-- Column at_least: the lower end of the 95 % interval of that share (Wilson)
-- Column at_most: its upper end
-- Order: at_least DESC, kiosk
SELECT
    kiosk,
    any(my_hops.vendor) AS vendor,
    any(my_hops.kiosk_municipality) AS kiosk_municipality,
    countIf(state = 'undetermined') AS undetermined,
    countIf(beyond OR state IN ('in_time', 'late')) AS hops,
    countIf(beyond) AS late,
    round(late / hops, 4) AS share,
    round((late / hops + 1.9208 / hops - 1.96 * sqrt(late / hops * (1 - late / hops) / hops + 0.9604 / pow(hops, 2))) / (1 + 3.8416 / hops), 4) AS at_least,
    round((late / hops + 1.9208 / hops + 1.96 * sqrt(late / hops * (1 - late / hops) / hops + 0.9604 / pow(hops, 2))) / (1 + 3.8416 / hops), 4) AS at_most
FROM my_hops
WHERE kiosk IS NOT NULL AND state != 'void' AND {hop:String} IN ('', hop)
  AND entered_at >= {from:DateTime64(6, 'UTC')} AND entered_at < {to:DateTime64(6, 'UTC')}
GROUP BY kiosk
HAVING hops >= {least:UInt32}

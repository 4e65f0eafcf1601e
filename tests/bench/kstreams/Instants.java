import java.time.Instant;
import java.time.LocalDate;

/** RFC 3339 text and microseconds since 1970. */
final class Instants {
    private static int lastDay;
    private static long lastEpochDay;

    /** By hand: {@code Instant.parse} stood out in the profile, and an event has two of them. */
    static long micros(String text) {
        long seconds = epochDay(number(text, 0, 4), number(text, 5, 7), number(text, 8, 10)) * 86_400L
                + number(text, 11, 13) * 3_600L + number(text, 14, 16) * 60L + number(text, 17, 19);
        int end = 19;
        long fraction = 0;
        if (text.charAt(end) == '.') {
            int digits = 0;
            for (end++; Character.isDigit(text.charAt(end)); end++, digits++) {
                fraction = digits < 6 ? fraction * 10 + text.charAt(end) - '0' : fraction;
            }
            for (; digits < 6; digits++) {
                fraction *= 10;
            }
        }
        if (text.charAt(end) != 'Z') {
            int offset = number(text, end + 1, end + 3) * 3_600 + number(text, end + 4, end + 6) * 60;
            seconds -= text.charAt(end) == '-' ? -offset : offset;
        }
        return seconds * 1_000_000 + fraction;
    }

    static String text(long instantUs) {
        return Instant.ofEpochSecond(instantUs / 1_000_000, instantUs % 1_000_000 * 1_000).toString();
    }

    private static long epochDay(int year, int month, int day) {
        int which = year * 10_000 + month * 100 + day;
        if (which != lastDay) { // one thread, and mostly the same days
            lastEpochDay = LocalDate.of(year, month, day).toEpochDay();
            lastDay = which;
        }
        return lastEpochDay;
    }

    private static int number(String text, int begin, int end) {
        int number = 0;
        for (int place = begin; place < end; place++) {
            number = number * 10 + text.charAt(place) - '0';
        }
        return number;
    }
}

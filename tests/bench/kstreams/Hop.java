import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A hop of the procedure, as the policy of the watch has it; days are plain days here. Milestones are places in {@code MILESTONES}. */
record Hop(int number, String name, int begins, int[] ends, int lastEnd, String holder, long[] limitsUs) {
    static final String[] LEVELS = {"notice", "warn", "breach"};
    static final String AGAIN = "application.resubmitted";
    static final String FIRST = "application.submitted";
    static final Set<String> TERMINALS = Set.of("card.handed_over", "card.discarded", "application.voided");
    /** In their order; a later one shows that an earlier hop has ended. */
    static final List<String> MILESTONES = List.of(
            FIRST, "application.uploaded", "application.forwarded", "application.received", "application.returned", AGAIN,
            "application.accepted", "card.issued", "card.dispatched", "card.arrived", "notice.sent", "card.handed_over",
            "card.discarded", "application.voided");
    static final Map<String, Integer> PLACE =
            IntStream.range(0, MILESTONES.size()).boxed().collect(Collectors.toMap(MILESTONES::get, place -> place));
    static final int CLAIM = PLACE.get("application.forwarded");
    private static final long HOUR_US = 3_600_000_000L;
    static final Hop[] ALL = {
        hop(0, "upload", FIRST, "vendor", 1, new long[] {1, 6, 24}, "application.uploaded"),
        hop(1, "forward", "application.uploaded", "vendor", 1, new long[] {6, 24, 72}, "application.received"),
        hop(2, "screening", "application.received", "j-lis", 24, new long[] {8, 12, 20}, "application.accepted", "application.returned"),
        hop(3, "correction", "application.returned", "applicant", 24, new long[] {30, 60, 90}, AGAIN),
        hop(4, "issuance", "application.accepted", "j-lis", 24, new long[] {18, 22, 30}, "card.dispatched"),
        hop(5, "delivery", "card.dispatched", "post", 24, new long[] {5, 7, 10}, "card.arrived"),
        hop(6, "notice", "card.arrived", "municipality", 24, new long[] {10, 15, 20}, "notice.sent"),
        hop(7, "pickup", "notice.sent", "applicant", 24, new long[] {90, 180, 365}, "card.handed_over", "card.discarded",
                "application.voided"),
    };

    private static Hop hop(int number, String name, String begins, String holder, long hours, long[] limits, String... ends) {
        int[] places = Arrays.stream(ends).mapToInt(PLACE::get).toArray();
        long[] limitsUs = Arrays.stream(limits).map(limit -> limit * hours * HOUR_US).toArray();
        return new Hop(number, name, PLACE.get(begins), places, Arrays.stream(places).max().getAsInt(), holder, limitsUs);
    }

    /** Of a hop in an attempt: under this number a state keeps what was last said of it. */
    int stall(int attempt) {
        return attempt * ALL.length + number;
    }
}

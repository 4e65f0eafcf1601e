import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32C;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * One partition of the log: events change an application's state, pulses make silence a fact.
 *
 * <p>Less than the watch does: no corrections, no attribution, no business days, one clock for all vendors. So it is a lower bound of
 * the work.
 */
final class Judge implements Processor<String, byte[], String, byte[]> {
    static final String STORE = "applications";
    private static final String PREFIX = "jp.tairyu.";
    private static final long NEVER = Long.MAX_VALUE;
    private static final long GRACE_US = 7L * 86_400 * 1_000_000;

    private final ObjectReader events = Json.reader(Event.class);
    private final ObjectReader pulses = Json.reader(Pulse.class);
    private final ObjectWriter transitions = Json.writer(Transition.class);
    private final ObjectWriter marks = Json.writer(Mark.class);
    private final DueIndex due = new DueIndex();
    private final long[] times = new long[Hop.MILESTONES.size()];
    private ProcessorContext<String, byte[]> context;
    private KeyValueStore<String, State> store;
    private long clockUs;
    private long bucket = -1;

    @Override
    public void init(ProcessorContext<String, byte[]> context) {
        this.context = context;
        store = context.getStateStore(STORE);
        try (KeyValueIterator<String, State> all = store.all()) {
            all.forEachRemaining(each -> schedule(each.key, each.value, attempt(each.value)));
        }
    }

    @Override
    public void process(Record<String, byte[]> record) {
        if (record.key().equals("pulse")) {
            pulse(Json.read(pulses, record.value()));
        } else if (record.key().length() == 64) {
            news(record.key(), Json.read(events, record.value()));
        }
    }

    private void news(String token, Event event) {
        String milestone = event.type().substring(PREFIX.length());
        if (!Hop.PLACE.containsKey(milestone)) {
            return;
        }
        State state = store.get(token);
        if (state == null) {
            state = new State();
            state.last4 = event.last4();
        }
        long hash = hash(event);
        for (State.Contribution known : state.contributions) {
            if (known.event() == hash) {
                return;
            }
        }
        long arrivedUs = Instants.micros(event.received());
        state.contributions.add(
                new State.Contribution(hash, milestone, Instants.micros(event.time()), arrivedUs, event.speaker(), event.role()));
        if (event.data() != null && event.data().kiosk() != null && state.kiosk == null) {
            state.vendor = event.speaker();
            state.kiosk = event.data().kiosk();
            state.kioskMunicipality = event.data().kioskMunicipality();
            state.residenceMunicipality = event.data().residenceMunicipality();
        }
        judge(token, state, arrivedUs, true);
    }

    private void pulse(Pulse pulse) {
        long through = NEVER;
        for (Pulse.Input input : pulse.inputs().values()) {
            for (String text : input.through().values()) {
                through = Math.min(through, Instants.micros(text));
            }
        }
        clockUs = Math.max(clockUs, through);
        for (String token : due.takeDue(clockUs)) {
            State state = store.get(token);
            if (state != null) {
                judge(token, state, clockUs, false);
            }
        }
        long now = Instants.micros(pulse.at()) / 1_000_000 / pulse.bucketS();
        if (now > bucket) {
            bucket = now;
            String id = "clock:" + context.taskId().partition() + ":" + bucket;
            byte[] mark = Json.write(marks, new Mark(id, "/bench", "jp.tairyu.clock.mark", pulse.at()));
            context.forward(new Record<>(null, mark, context.currentSystemTimeMs()));
        }
    }

    /** Derives the hops, says the difference from what was last said, and stores it. */
    private void judge(String token, State state, long atUs, boolean news) {
        int attempt = attempt(state);
        if (forgotten(state)) {
            due.remove(token);
            store.delete(token);
            return;
        }
        for (Hop hop : Hop.ALL) {
            long entered = times[hop.begins()];
            if (entered != NEVER) {
                compare(token, state, hop, attempt, entered, closed(hop), atUs, news);
            }
        }
        store.put(token, state);
        schedule(token, state, attempt);
    }

    private void compare(String token, State state, Hop hop, int attempt, long entered, long closed, long atUs, boolean news) {
        int stall = hop.stall(attempt);
        State.Said said = state.said.get(stall);
        int before = said == null ? 0 : said.levels();
        int passed = passed(hop, closed == NEVER ? clockUs - entered : closed - entered);
        if (closed == NEVER && !news) {
            for (int level = before; level < passed; level++) {
                said = new State.Said(level + 1, said == null ? 1 : said.revision() + 1, true);
                state.said.put(stall, said);
                say(token, state, hop, attempt, level == 0 ? "raised" : "escalated", said, entered, closed, atUs);
            }
        } else if (closed != NEVER && (said == null ? passed > 0 : said.open())) {
            String kind = said == null ? "recorded" : passed == 0 ? "retracted" : "cleared";
            said = new State.Said(Math.max(1, passed), said == null ? 1 : said.revision() + 1, false);
            state.said.put(stall, said);
            say(token, state, hop, attempt, kind, said, entered, closed, atUs);
        }
    }

    private void say(
            String token, State state, Hop hop, int attempt, String kind, State.Said said, long entered, long closed, long atUs) {
        String stall = token + ":" + hop.name() + ":" + attempt;
        long dueUs = entered + hop.limitsUs()[said.levels() - 1];
        String closedAt = closed == NEVER ? null : Instants.text(closed);
        Verdict verdict = new Verdict(
                stall, said.revision(), kind, Hop.LEVELS[said.levels() - 1], hop.name(), attempt, token, state.last4, state.vendor,
                state.kiosk, state.kioskMunicipality, state.residenceMunicipality, hop.holder(), Instants.text(entered),
                Instants.text(dueUs), closedAt, Instants.text(atUs));
        Transition transition = new Transition(
                "1.0", stall + ":" + said.revision(), "/bench", "jp.tairyu.stall." + kind, token, Instants.text(dueUs), verdict);
        context.forward(new Record<>(token, Json.write(transitions, transition), context.currentSystemTimeMs()));
    }

    /** Fills {@code times} with each milestone's earliest time in the newest attempt; gives that attempt's number. */
    private int attempt(State state) {
        long begun = Long.MIN_VALUE;
        int attempt = 1;
        for (State.Contribution each : state.contributions) {
            if (each.milestone().equals(Hop.AGAIN)) {
                begun = Math.max(begun, each.timeUs());
                attempt++;
            }
        }
        Arrays.fill(times, NEVER);
        for (State.Contribution each : state.contributions) {
            if (each.timeUs() >= begun) {
                int place = Hop.PLACE.get(each.milestone().equals(Hop.AGAIN) ? Hop.FIRST : each.milestone());
                times[place] = Math.min(times[place], each.timeUs());
            }
        }
        return attempt;
    }

    /** Its own last milestone's time, else the earliest of a later one. */
    private long closed(Hop hop) {
        long closed = NEVER;
        for (int end : hop.ends()) {
            closed = Math.min(closed, times[end]);
        }
        for (int place = hop.lastEnd() + 1; closed == NEVER && place < times.length; place++) {
            closed = place == Hop.CLAIM ? NEVER : times[place];
        }
        return closed;
    }

    private static int passed(Hop hop, long spanUs) {
        int levels = 0;
        while (levels < hop.limitsUs().length && spanUs > hop.limitsUs()[levels]) {
            levels++;
        }
        return levels;
    }

    private void schedule(String token, State state, int attempt) {
        long next = NEVER;
        for (Hop hop : Hop.ALL) {
            long entered = times[hop.begins()];
            if (entered != NEVER && closed(hop) == NEVER) {
                State.Said said = state.said.get(hop.stall(attempt));
                int levels = said == null ? 0 : said.levels();
                if (levels < hop.limitsUs().length) {
                    next = Math.min(next, entered + hop.limitsUs()[levels]);
                }
            }
        }
        next = Math.min(next, forgetUs(state));
        if (next == NEVER) {
            due.remove(token);
        } else {
            due.put(token, next);
        }
    }

    private boolean forgotten(State state) {
        return forgetUs(state) < clockUs;
    }

    private static long forgetUs(State state) {
        long arrived = NEVER;
        for (State.Contribution each : state.contributions) {
            if (Hop.TERMINALS.contains(each.milestone())) {
                arrived = Math.min(arrived, each.arrivedUs());
            }
        }
        return arrived == NEVER ? NEVER : arrived + GRACE_US;
    }

    private static long hash(Event event) {
        CRC32C one = new CRC32C();
        one.update((event.source() + "\0" + event.id()).getBytes(StandardCharsets.UTF_8));
        return one.getValue() << 32 | event.speaker().hashCode() & 0xffffffffL;
    }
}

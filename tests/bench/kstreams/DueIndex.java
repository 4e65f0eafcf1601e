import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/** When each application has to be looked at next. In memory: made again from the store at a start. */
final class DueIndex {
    private record Entry(long dueUs, String token) implements Comparable<Entry> {
        @Override
        public int compareTo(Entry other) {
            return Long.compare(dueUs, other.dueUs);
        }
    }

    private final Map<String, Long> current = new HashMap<>();
    private final PriorityQueue<Entry> queue = new PriorityQueue<>();

    void put(String token, long dueUs) {
        Long before = current.put(token, dueUs);
        if (before == null || before != dueUs) {
            queue.add(new Entry(dueUs, token));
        }
    }

    void remove(String token) {
        current.remove(token);
    }

    List<String> takeDue(long clockUs) {
        List<String> due = new ArrayList<>();
        while (!queue.isEmpty() && queue.peek().dueUs() < clockUs) {
            Entry entry = queue.poll();
            if (current.remove(entry.token(), entry.dueUs())) {
                due.add(entry.token());
            }
        }
        return due;
    }
}

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Follows what is held: first every open stall, then each change, once; and how far silence has been judged.
 *
 * <pre>java -cp "LIBRARIES/*" Subscriber.java BROKERS      # kafka-clients, slf4j-api, jackson-databind; Java 17</pre>
 *
 * It keeps nothing: started again, it begins again, with what is held by then.
 */
public class Subscriber {
    private static final Set<String> OPEN = Set.of("raised", "escalated", "revised");
    private static final Duration WATCHED = Duration.ofSeconds(60);

    private final ObjectMapper json = new ObjectMapper();
    private final Map<String, JsonNode> held = new HashMap<>();      // stall_id -> its last verdict
    private final Map<String, Integer> revisions = new HashMap<>();  // stall_id -> the highest that was taken
    private final Map<Integer, Instant> judged = new HashMap<>();    // partition -> the clock by which all silence is judged there

    public static void main(String[] arguments) throws IOException {
        Map<String, Object> config = Map.of(
                "bootstrap.servers", arguments[0],
                "enable.auto.commit", false,
                "isolation.level", "read_committed"); // Java's default is read_uncommitted
        try (var consumer = new KafkaConsumer<>(config, new StringDeserializer(), new ByteArrayDeserializer())) {
            new Subscriber().run(consumer);
        }
    }

    private void run(KafkaConsumer<String, byte[]> consumer) throws IOException {
        List<TopicPartition> changes = partitions(consumer, "stall-events");
        // First where the changes end now, then what is held: whatever happens meanwhile stands in both, and counts once.
        Map<TopicPartition, Long> ends = consumer.endOffsets(changes);
        readWhole(consumer, partitions(consumer, "stalls"));
        System.out.println(held.size() + " held");
        consumer.assign(changes);
        ends.forEach(consumer::seek);
        Instant before = null;
        while (true) {
            ConsumerRecords<String, byte[]> records = consumer.poll(WATCHED);
            if (records.isEmpty()) {
                System.err.println("no word for " + WATCHED.toSeconds() + " s: nobody is watching, or the broker is away");
            }
            for (ConsumerRecord<String, byte[]> record : records) {
                take(record);
            }
            Instant now = judgedThrough(changes.size());
            if (now != null && !now.equals(before)) {
                System.out.println("judged " + now + " " + held.size() + " held");
                before = now;
            }
        }
    }

    /** All that stands in these partitions now. Their ends are those of what is committed, as is all that is read. */
    private void readWhole(KafkaConsumer<String, byte[]> consumer, List<TopicPartition> partitions) throws IOException {
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
        Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
        while (partitions.stream().anyMatch(each -> consumer.position(each) < ends.get(each))) {
            for (ConsumerRecord<String, byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
                take(record);
            }
        }
    }

    /** A record of either topic. */
    private void take(ConsumerRecord<String, byte[]> record) throws IOException {
        if (record.key() == null) {
            JsonNode clock = json.readTree(record.value()).at("/data/all"); // null while a feed has never been read
            if (!clock.isNull()) {
                judged.put(record.partition(), Instant.parse(clock.asText()));
            }
        } else if (record.value() != null) { // without a value: no longer held, which stall-events says as well
            takeVerdict(json.readTree(record.value()).get("data"));
        }
    }

    private void takeVerdict(JsonNode verdict) {
        String stall = verdict.get("stall_id").asText();
        int revision = verdict.get("revision").asInt();
        if (revision <= revisions.getOrDefault(stall, 0)) {
            return; // known: a verdict counts once, whatever comes twice
        }
        revisions.put(stall, revision);
        String kind = verdict.get("kind").asText();
        if (OPEN.contains(kind)) {
            held.put(stall, verdict);
        } else {
            held.remove(stall);
        }
        String holder = verdict.get(verdict.get("vendor").isNull() ? "holder" : "vendor").asText();
        System.out.println(String.join(" ", kind, stall, String.valueOf(revision), verdict.get("level").asText(), holder));
    }

    /** Null until every partition has said it. */
    private Instant judgedThrough(int partitions) {
        return judged.size() == partitions ? Collections.min(judged.values()) : null;
    }

    private static List<TopicPartition> partitions(KafkaConsumer<?, ?> consumer, String topic) {
        return consumer.partitionsFor(topic).stream().map(each -> new TopicPartition(topic, each.partition())).toList();
    }
}

import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Says that an application was submitted at a kiosk, and has reached the vendor's server.
 *
 * <pre>java -cp "LIBRARIES/*" Send.java BROKERS TOPIC RECEIPT APPLICATION_ID    # kafka-clients, slf4j-api, jackson-databind; Java 17</pre>
 *
 * RECEIPT is your own number of the transaction: the events' ids are made from it, so what is sent again has the same ids.
 * Ends with 0 only once the broker has confirmed every event. Else keep them, and send them again: copies do no harm.
 */
public class Send {
    private static final String KIOSK = "soka-city-hall-annex-1f";

    public static void main(String[] arguments) throws Exception {
        String brokers = arguments[0], topic = arguments[1], receipt = arguments[2], application = arguments[3];
        Map<String, String> place = Map.of("kiosk", KIOSK, "kiosk_municipality", "112216", "residence_municipality", "112216");
        List<Map<String, Object>> events = List.of(
                event("application.submitted", "/vendors/plaza/kiosks/" + KIOSK, receipt, application, place),
                event("application.uploaded", "/vendors/plaza/server", receipt, application, Map.of()));

        Map<String, Object> config = Map.of(
                "bootstrap.servers", brokers, "acks", "all", "enable.idempotence", true,
                "max.block.ms", 30_000, "delivery.timeout.ms", 40_000);
        Map<Object, Future<RecordMetadata>> sent = new LinkedHashMap<>();
        try (var producer = new KafkaProducer<>(config, new StringSerializer(), new ByteArraySerializer())) {
            for (Map<String, Object> each : events) {
                String id = (String) each.get("id");
                sent.put(id, producer.send(new ProducerRecord<>(topic, id, new ObjectMapper().writeValueAsBytes(each))));
            }
        } // close() waits for all of them
        for (Map.Entry<Object, Future<RecordMetadata>> each : sent.entrySet()) {
            try {
                each.getValue().get();
            } catch (ExecutionException error) {
                System.err.println("not confirmed, send again: " + each.getKey() + ": " + error.getCause().getMessage());
                System.exit(1);
            }
        }
    }

    private static Map<String, Object> event(String name, String source, String receipt, String application, Map<String, String> data) {
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("specversion", "1.0");
        event.put("id", receipt + "-" + name);
        event.put("source", source);
        event.put("type", "jp.tairyu." + name);
        event.put("subject", application);
        // Really: when it happened, from your database. (toString() would leave out the seconds of a full minute, and be refused.)
        var happened = OffsetDateTime.now(ZoneId.of("Asia/Tokyo")).truncatedTo(ChronoUnit.SECONDS);
        event.put("time", happened.format(DateTimeFormatter.ISO_OFFSET_DATE_TIME));
        event.put("data", data);
        return event;
    }
}

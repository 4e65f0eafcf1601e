import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.Stores;

/** custody-log -> verdicts, by Kafka Streams: one thread, one processor, one store with its changelog. All else is the default. */
public final class Watch {
    /** Arguments: brokers, application id, input topic, output topic, processing guarantee, rocksdb or memory, folder for state. */
    public static void main(String[] args) {
        boolean memory = args[5].equals("memory");
        KeyValueBytesStoreSupplier supplier =
                memory ? Stores.inMemoryKeyValueStore(Judge.STORE) : Stores.persistentKeyValueStore(Judge.STORE);
        Topology topology = new Topology();
        topology.addSource("log", new StringDeserializer(), new ByteArrayDeserializer(), args[2]);
        topology.addProcessor("judge", Judge::new, "log");
        topology.addStateStore(
                Stores.keyValueStoreBuilder(supplier, Serdes.String(), Json.serde(State.class)), "judge");
        topology.addSink("verdicts", args[3], new StringSerializer(), new ByteArraySerializer(), "judge");

        Properties settings = new Properties();
        settings.putAll(Map.of(
                StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0],
                StreamsConfig.APPLICATION_ID_CONFIG, args[1],
                StreamsConfig.PROCESSING_GUARANTEE_CONFIG, args[4],
                StreamsConfig.STATE_DIR_CONFIG, args[6],
                StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1,
                ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest",
                // The log is written in transactions: what was aborted must not be read, with either guarantee.
                ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed"));
        KafkaStreams streams = new KafkaStreams(topology, settings);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.ERROR) {
                Runtime.getRuntime().halt(1);
            }
        });
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }
}

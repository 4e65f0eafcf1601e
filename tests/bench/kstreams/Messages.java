import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Map;

/** What stands in the log: of each, the members that are looked at. */
record Event(String id, String source, String type, String time, String speaker, String role, String received, String last4, Data data) {
    record Data(
            String kiosk,
            @JsonProperty("kiosk_municipality") String kioskMunicipality,
            @JsonProperty("residence_municipality") String residenceMunicipality) {}
}

record Pulse(String at, @JsonProperty("bucket_s") long bucketS, Map<String, Input> inputs) {
    record Input(String vendor, int partitions, Map<Integer, String> through) {}
}

/** What is said of one stall. */
record Verdict(
        @JsonProperty("stall_id") String stallId,
        int revision,
        String kind,
        String level,
        String hop,
        int attempt,
        String token,
        String last4,
        String vendor,
        String kiosk,
        @JsonProperty("kiosk_municipality") String kioskMunicipality,
        @JsonProperty("residence_municipality") String residenceMunicipality,
        String holder,
        @JsonProperty("entered_at") String enteredAt,
        @JsonProperty("due_at") String dueAt,
        @JsonProperty("closed_at") String closedAt,
        String at) {}

record Transition(String specversion, String id, String source, String type, String subject, String time, Verdict data) {}

record Mark(String id, String source, String type, String time) {}

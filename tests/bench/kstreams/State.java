import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** One application: what was told of it, and what was last said. Stored as arrays: names in every record would cost much. */
@JsonFormat(shape = JsonFormat.Shape.ARRAY)
@JsonPropertyOrder({"last4", "vendor", "kiosk", "kioskMunicipality", "residenceMunicipality", "contributions", "said"})
final class State {
    public String last4;
    public String vendor;
    public String kiosk;
    public String kioskMunicipality;
    public String residenceMunicipality;
    public List<Contribution> contributions = new ArrayList<>();
    public Map<Integer, Said> said = new HashMap<>();

    /** One event's part. {@code event} stands for its speaker, source and id. */
    @JsonFormat(shape = JsonFormat.Shape.ARRAY)
    public record Contribution(long event, String milestone, long timeUs, long arrivedUs, String speaker, String role) {}

    /** Of a hop and attempt: how many of its levels were said, and in how many steps. */
    @JsonFormat(shape = JsonFormat.Shape.ARRAY)
    public record Said(int levels, int revision, boolean open) {}
}

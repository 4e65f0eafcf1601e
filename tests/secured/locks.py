"""A broker that lets in only whom it knows: TLS everywhere, users by SCRAM or by certificate, and Kafka's own authorizer."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from streams.brokers.kafka import Locks, Node
from streams.brokers.start import HOST, free_ports

ADMIN = "admin"
BROKER = "the-broker"


@dataclass(frozen=True)
class Authority:
    """Makes certificates that it alone vouches for: of one day, by the command ``openssl``."""

    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "ca.pem"

    def found(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._openssl("req", "-x509", *self._key("ca"), "-out", "ca.pem", "-subj", "/CN=an authority of the tests", "-days", "1")

    def vouch(self, name: str) -> tuple[Path, Path]:
        """Certificate and key of a server at loopback, or of a client: both in PEM."""
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", f"subjectAltName=IP:{HOST}", "-addext", "basicConstraints=CA:FALSE")
        self._openssl("req", "-x509", *self._key(name), *signed, "-out", f"{name}.pem", "-subj", f"/CN={name}", "-days", "1")
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    def _key(self, name: str) -> tuple[str, ...]:
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-keyout", f"{name}.key"

    def _openssl(self, *arguments: str) -> None:
        done = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@dataclass(frozen=True)
class Doors:
    """Users come in at the broker's own port; clients with a certificate at ``by_certificate``."""

    authority: Authority
    by_certificate: int

    @classmethod
    def build(cls, folder: Path) -> "Doors":
        authority = Authority(folder)
        authority.found()
        certificate, key = authority.vouch(BROKER)
        (folder / "store.pem").write_text(key.read_text() + certificate.read_text())
        authority.vouch(ADMIN)
        return cls(authority, free_ports(1)[0])

    def locks(self) -> Locks:
        """Nobody has a password before an administrator with a certificate gives it."""
        folder = self.authority.folder
        client = {
            "bootstrap.servers": f"{HOST}:{self.by_certificate}",
            "security.protocol": "SSL",
            "ssl.ca.location": str(self.authority.certificate),
            "ssl.certificate.location": str(folder / f"{ADMIN}.pem"),
            "ssl.key.location": str(folder / f"{ADMIN}.key"),
        }
        return Locks(self._properties, client)

    def _properties(self, node: Node) -> dict[str, object]:
        doors = {"SASL_SSL": node.port, "SSL": self.by_certificate}
        reached = ",".join(f"{name}://{HOST}:{port}" for name, port in doors.items())
        return {
            "listeners": f"{reached},CONTROLLER://{HOST}:{node.controller_port}",
            "advertised.listeners": reached,
            "listener.security.protocol.map": "CONTROLLER:SSL,SASL_SSL:SASL_SSL,SSL:SSL",
            "inter.broker.listener.name": "SSL",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.authority.folder / "store.pem",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.authority.certificate,
            "ssl.client.auth": "required",
            "listener.name.sasl_ssl.ssl.client.auth": "none",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:CN={BROKER};User:CN={ADMIN};User:{ADMIN}",
        }

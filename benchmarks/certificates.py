"""A certificate authority that exists for one run, and a certificate of it for this machine."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "localhost"
_AUTHORITY = "The benchmark's authority"


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files: what clients are to trust, and the certificate that it vouches for with its key."""

    authority: Path
    certificate: Path
    key: Path


def issue(folder: Path) -> Certificates:
    """A certificate for 127.0.0.1 and localhost, with the elliptic keys that most hosts have by now."""
    folder.mkdir()
    signer, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _draft(_AUTHORITY, signer.public_key(), is_authority=True)
    names = [x509.DNSName(HOST), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    host = _draft(HOST, key.public_key(), is_authority=False)
    host = host.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = Certificates(folder / "authority.pem", folder / "certificate.pem", folder / "key.pem")
    for file, draft in ((made.authority, authority), (made.certificate, host)):
        signed = draft.issuer_name(_name(_AUTHORITY)).sign(signer, hashes.SHA256())
        file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return made


def _draft(name: str, key: ec.EllipticCurvePublicKey, *, is_authority: bool) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

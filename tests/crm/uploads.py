"""Multipart bodies, as clients send them and as they never should."""

BOUNDARY = "b0undary"
MULTIPART = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


def part(data, name="file", filename=b"a.txt", more=b""):
    """One part; `filename` is written as it is, and None for a field that is no file."""
    disposition = b'Content-Disposition: form-data; name="' + name.encode() + b'"'
    if filename is not None:
        disposition += b'; filename="' + filename + b'"'
    return disposition + b"\r\n" + more + b"\r\n" + data


def body(*parts):
    delimiter = f"--{BOUNDARY}".encode()
    return b"".join(delimiter + b"\r\n" + each + b"\r\n" for each in parts) + delimiter + b"--\r\n"


def send(crm, path, *parts, **params):
    return crm.call("POST", path, params, body(*parts), MULTIPART)


def upload(crm, path, data=b"bytes", filename=b"a.txt", **params):
    """Upload one file that has to be taken; gives the details of the answer."""
    answer = send(crm, path, part(data, filename=filename), **params)
    assert answer.status == 200, answer.body
    return answer.json.get("data", [answer.json])[0]["details"]

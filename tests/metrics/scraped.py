"""The metrics as Prometheus reads them."""

from prometheus_client.parser import text_string_to_metric_families


def samples_of(text):
    """The numbers by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def number(samples, name, **labels):
    """The sum of all with this name and these labels; None if there is none."""
    found = [
        value for (of, has), value in samples.items() if of == name and labels.items() <= dict(has).items()
    ]
    return sum(found) if found else None

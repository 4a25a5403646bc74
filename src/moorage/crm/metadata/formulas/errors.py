"""What can be wrong with an expression."""


class FormulaInvalid(Exception):
    """`reason` is a sentence for whoever wrote the expression; `position` counts its characters from 1.

    `name` is the word that is wrong, if it is one.
    """

    def __init__(self, reason: str, position: int, name: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position
        self.name = name

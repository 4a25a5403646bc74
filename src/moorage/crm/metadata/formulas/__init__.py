"""The language of formula fields [Z formula-fields]: from an expression to a value for each record.

An expression is split into tokens (`tokens.py`), read into a tree (`parser.py`, `tree.py`), and checked against the
fields that it names while it becomes something that runs (`formula.py`). The room knows no modules and no records: who
makes a formula says where the values of its fields are.
"""

"""Operations that begin long work, and show how far it is."""

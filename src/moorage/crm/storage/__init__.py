"""Where an organisation keeps its records: the contract, and the databases that fulfil it."""

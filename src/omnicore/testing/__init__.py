"""What can a host test its own code and adapters with? Strategies, conformance kits, a simulator and a virtual clock."""

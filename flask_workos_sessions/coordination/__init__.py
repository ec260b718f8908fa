"""What requests, threads, processes and hosts have to agree on."""

"""What requests, threads and later processes have to agree on."""

"""What ``flask workos doctor`` looks at: settings, shared state, and WorkOS as it answers."""

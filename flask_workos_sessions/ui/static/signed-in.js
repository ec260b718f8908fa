// Tells the other tabs that somebody has signed in again.

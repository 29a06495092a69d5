"""Data sets: synthetic dyads and recordings of people, and their converted form."""

package main

// remake asks a server for a rebuild or rollback, and shows how far it is.
func remake(e *world, address, key string, o rebuildOptions) error { return nil }

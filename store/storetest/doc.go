// Package storetest is the conformance suite of the store: every adapter passes Run. It holds an adapter to the contract of
// package store by comparing it with a model in memory, through random histories of commits, compactions, expiries and
// views. It imports no adapter.
package storetest

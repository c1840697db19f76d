//go:build linux

package main_test

import "testing"

func TestOwnership(t *testing.T) { runCases(t, "testdata/ownership.c") }
func TestLifecycle(t *testing.T) { runCases(t, "testdata/lifecycle.c") }
func TestCallbacks(t *testing.T) { runCases(t, "testdata/callbacks.c") }
func TestTexts(t *testing.T)     { runCases(t, "testdata/texts.c") }
func TestObjects(t *testing.T)   { runCases(t, "testdata/objects.cc") }
func TestThreads(t *testing.T)   { runCases(t, "testdata/threads.c") }

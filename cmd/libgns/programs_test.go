package main_test

import "testing"

func TestOwnership(t *testing.T) { runCases(t, "testdata/ownership.c") }
func TestLifecycle(t *testing.T) { runCases(t, "testdata/lifecycle.c") }

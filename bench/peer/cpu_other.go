//go:build !unix

package peer

func processCPU() cpuTime { return cpuTime{} }

// Package config has the configuration values of GameNetworkingSockets: their numbers, names, types,
// scopes, defaults and limits, how they are converted and parsed, and how they are inherited.
//
// A configuration value is an ID together with an int32, int64, float32, string or function:
//
//	config.Int32(config.NagleTime, 0)
//	config.Float(config.FakePacketLossSend, 2.5)
//	v, err := config.Parse("SendRateMax=1048576")
//
// Constants carry Valve's names without the prefix k_ESteamNetworkingConfig_ and without underscores;
// everything that reads a name takes Valve's spelling ("FakePacketLoss_Send") in any letter case, with
// or without the underscores and the prefix. The names that luasteam uses are the same ones.
//
// # Levels
//
// Values are set at four levels (Scope) and inherited live: what is not set on a connection follows
// its listen socket (inbound) or its interface (outbound), those follow the global level, and that one
// follows the compiled-in defaults. "Global" means one gns.Sockets: nothing in this package is shared
// between two of them. A Store holds what is set at one level.
package config

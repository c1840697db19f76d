// Valve's test_p2p reads counters that only a static library of Valve's has. With any other library there is nothing to be counted.
namespace SteamNetworkingSocketsLib {

void TEST_ICE_ctr_Reset() {}
void TEST_ICE_ctr_Print() {}

} // namespace SteamNetworkingSocketsLib

/** Wi-Fi by the system's NetworkManager, which Raspberry Pi OS has since bookworm. Read nmcli.ts next; memory.ts is for tests. */
export { MemoryWifi } from './memory.ts';
export { NmcliWifi } from './nmcli.ts';

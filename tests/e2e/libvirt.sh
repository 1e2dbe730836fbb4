# Virtual machines: libvirt's hook asks the agent; a real libvirtd with qemu where there is one.
. "$(dirname "$0")/lib.sh"
AGENT_PID= VIRT_PID= V=
clean_up() {
	[ -z "$VIRT_PID" ] || { kill "$VIRT_PID" 2>/dev/null; wait "$VIRT_PID" 2>/dev/null; }
	for p in $(cat "$V"/run/libvirt/qemu/*.pid 2>/dev/null); do kill -9 "$p" 2>/dev/null; done
	[ -z "$AGENT_PID" ] || kill "$AGENT_PID" 2>/dev/null
	lg_stop
}
trap clean_up EXIT
[ "$(id -u)" = 0 ] || { skip "libvirt: needs root"; done_testing; }
lg_start "$T/data" || bad "start"
lightgate apply -f conf/demo.yaml --credentials "$T/credentials" >/dev/null || bad "apply"
joins node1
comes_in alice
export LIGHTGATE_AGENT_SOCKET=$T/agent.sock
lightgate-agent run --state "$T/node1" --socket "$T/agent.sock" >>"$T/agent.log" 2>&1 &
AGENT_PID=$!
within test -S "$T/agent.sock" || bad "the agent does not listen: $(tail -3 "$T/agent.log")"

ticket() { LIGHTGATE_CONFIG=$T/alice lightgate check container:create "Workload/${1:-web}" --host node1 --image busybox --ticket-out "$T/ticket" >/dev/null || bad "ticket"; cat "$T/ticket"; }
number=0
domain() { # domain TICKET [DEVICES] [OTHERS] [WORKLOAD]
	cat <<XML
<domain type='qemu' id='1'>
  <name>vm-$number</name>
  <uuid>$(printf 'c7a5fdbd-edaf-9455-926a-d65c16%06d' "$number")</uuid>
  <metadata><lightgate:workload xmlns:lightgate='https://lightgate/domain/1' name='${4:-web}' ticket='$1'/></metadata>
  <memory unit='KiB'>65536</memory>
  <vcpu placement='static'>1</vcpu>
  <os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type><boot dev='hd'/></os>
  <features><acpi/><apic/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$T/disk.img'/><target dev='vda' bus='virtio'/></disk>
    <controller type='usb' index='0' model='none'/>
    <serial type='pty'><source path='/dev/pts/3'/><target port='0'/></serial>
    <channel type='unix'><source mode='bind' path='/var/lib/libvirt/qemu/channel/target/domain-$RANDOM-vm/org.qemu.guest_agent.0'/><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <memballoon model='none'/>
    $2
  </devices>
  $3
</domain>
XML
}
hook() { domain "${@:2}" | "$LG_BIN/lightgate-libvirt-hook" vm $1 - >"$T/out" 2>&1; }
may() { local name=$1; shift; if hook "$@"; then ok; else bad "$name: $(cat "$T/out")"; fi; }
refused() { local name=$1 why=$2; shift 2; if hook "$@"; then bad "$name: it may"; else has "$name" "$(cat "$T/out")" "$why"; fi; }
may "with a ticket" "prepare begin" "$(ticket)"
may "it starts" "start begin" x
refused "the same machine, made otherwise in between" 'not admitted on this host as it is' "start begin" x "<disk type='file' device='disk'><source file='/srv/other.img'/></disk>"
may "again, without one" "prepare begin" ""
may "what is over is only told" "stopped end" ""
may "and its release" "release end" ""
used=$(cat "$T/ticket")
number=2
refused "another machine with the ticket" 'used before' "prepare begin" "$used"
refused "without a ticket" 'no ticket' "prepare begin" ""
refused "a ticket for another workload" 'for workload "db"' "prepare begin" "$(ticket db)"
refused "what was never prepared does not start" 'not admitted' "start begin" "$(ticket)"
refused "nor is attached to" 'not admitted' "attach begin" "$(ticket)"
refused "a device of the host" 'no-privileged' "prepare begin" "$(ticket)" "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='6' slot='2' function='0'/></source></hostdev>"
refused "a device that nobody knows" 'no-privileged' "prepare begin" "$(ticket)" "<teleporter/>"
refused "options past libvirt" 'no-privileged' "prepare begin" "$(ticket)" "" "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:arg value='-drive'/></qemu:commandline>"
refused "confined by nothing" 'no-privileged' "prepare begin" "$(ticket)" "" "<seclabel type='none' model='dac'/>"
refused "another emulator" 'no-privileged' "prepare begin" "$(ticket)" "<emulator>/tmp/qemu</emulator>"
refused "the host's keyboard" 'no-privileged' "prepare begin" "$(ticket)" "<input type='evdev'><source dev='/dev/input/event1'/></input>"
refused "a disk of the host" 'no-privileged|no-sensitive' "prepare begin" "$(ticket)" "<disk type='block' device='disk'><source dev='/dev/vda'/></disk>"
refused "a block device as a file" 'no-sensitive' "prepare begin" "$(ticket)" "<disk type='file' device='disk'><source file='/dev/vda'/></disk>"
refused "a secret of the host as a disk" 'no-sensitive' "prepare begin" "$(ticket)" "<disk type='file' device='disk'><source file='/etc/lightgate/key'/></disk>"
refused "below another disk" 'no-sensitive' "prepare begin" "$(ticket)" "<disk type='file' device='disk'><source file='/srv/a'/><backingStore type='file'><source file='/root/b'/></backingStore></disk>"
refused "a folder of the host" 'no-sensitive' "prepare begin" "$(ticket)" "<filesystem type='mount'><source dir='/root'/><target dir='r'/></filesystem>"
refused "a socket of the host" 'no-sensitive' "prepare begin" "$(ticket)" "<serial type='unix'><source mode='connect' path='/run/docker.sock'/></serial>"
refused "a kernel from where it should not be" 'no-sensitive' "prepare begin" "$(ticket)" "" "<os><kernel>/proc/kcore</kernel></os>"
refused "the host's network card" 'no-host-namespaces' "prepare begin" "$(ticket)" "<interface type='direct'><source dev='eth0' mode='bridge'/></interface>"
number=3
may "a network" "prepare begin" "$(ticket)" "<interface type='network'><source network='default'/></interface>"
may "with what libvirt adds to it" "start begin" x "<interface type='network'><source network='default' portid='1' bridge='virbr0'/><target dev='vnet0'/></interface>"
number=4
may "one that arrives from another host" "migrate begin" "$(ticket)"
number=5
refused "which needs a ticket for this one" 'no ticket' "migrate begin" ""
refused "an operation that is not known" 'not known' "frob begin" "$(ticket)"
raw() { printf '%s' "$1" | "$LG_BIN/lightgate-libvirt-hook" vm prepare begin - 2>&1; }
has "entities" "$(raw "<!DOCTYPE d [<!ENTITY a 'aaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]><domain><uuid>&b;</uuid></domain>")" 'document type is not taken'
has "a file in an entity" "$(raw "<!DOCTYPE d SYSTEM 'file:///etc/passwd'><domain/>")" 'document type is not taken'
has "too deep" "$(raw "$(printf '<domain>%.0s' $(seq 100))")" 'more elements'
has "too many" "$(raw "<domain>$(printf '<a/>%.0s' $(seq 20001))</domain>")" 'more elements'
has "too large" "$(head -c 1100000 /dev/zero | tr '\0' ' ' | "$LG_BIN/lightgate-libvirt-hook" vm prepare begin - 2>&1)" 'too large'
has "no XML" "$(raw 'x')" 'denied: the domain'
has "something else" "$(raw '<network/>')" 'no domain'
has "without a uuid" "$(raw '<domain><name>x</name></domain>')" 'no uuid'
on_record "the record names the machine's requester, and why" 'User/alice +container:start +Workload/web +permit +shop-operators-run-containers +Host/node1' --target c7a5fdbd-edaf-9455-926a-d65c16000000

# ---- libvirtd itself ----
if ! command -v libvirtd >/dev/null || ! command -v qemu-system-x86_64 >/dev/null || ! command -v virsh >/dev/null; then
	skip "libvirt: libvirtd and qemu are not installed"
	done_testing
fi
V=$T/virt; mkdir -p "$V"/{etc/hooks,run,lib,cache}
truncate -s 1M "$T/disk.img"; chmod 0644 "$T/disk.img"; chmod 0755 "$T"
cat >"$V/etc/hooks/qemu" <<SH
#!/bin/sh
export LIGHTGATE_AGENT_SOCKET=$T/agent.sock
exec $LG_BIN/lightgate-libvirt-hook "\$@"
SH
chmod 0755 "$V/etc/hooks/qemu"
cat >"$V/etc/libvirtd.conf" <<CONF
unix_sock_dir = "$V/run"
auth_unix_rw = "none"
CONF
printf 'user = "root"\ngroup = "root"\nsecurity_driver = "none"\nremember_owner = 0\nnamespaces = []\ncgroup_controllers = []\nstdio_handler = "file"\n' >"$V/etc/qemu.conf"
setsid unshare -m --propagation private bash -c '
	mount -t tmpfs none /run; mkdir -p /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt
	mount --bind "$1/etc" /etc/libvirt; mount --bind "$1/lib" /var/lib/libvirt; mount --bind "$1/cache" /var/cache/libvirt
	exec libvirtd -f "$1/etc/libvirtd.conf"' virt "$V" >"$T/libvirtd.log" 2>&1 </dev/null &
VIRT_PID=$!
virt() { timeout 30 virsh -c "qemu+unix:///system?socket=$V/run/libvirt-sock" "$@" 2>&1; }
if ! within virt list; then skip "libvirt: libvirtd does not run here: $(tail -1 "$T/libvirtd.log")"; done_testing; fi
number=10
define() { domain "$@" | sed '/<serial type/d; /<channel/d' >"$T/vm.xml"; virt define "$T/vm.xml" >"$T/define" || bad "define: $(cat "$T/define")"; }
define ""
out=$(virt start vm-10)
if grep -q "unsupported\|could not find capabilities\|does not support virt type" <<<"$out"; then skip "libvirt: no machine can start here: $out"; done_testing; fi
has "libvirtd starts nothing without a ticket" "$out" 'Hook script execution failed.*no ticket'
define "$(ticket)" "" "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:arg value='-S'/></qemu:commandline>"
has "nor with options past itself" "$(virt start vm-10)" 'no-privileged'
define "$(ticket)"
has "with a ticket it does" "$(virt start vm-10)" "'vm-10' started"
has "it runs" "$(virt list)" 'vm-10 +running'
virt destroy vm-10 >/dev/null
has "again, with the ticket that was used" "$(virt start vm-10)" "'vm-10' started"
virt destroy vm-10 >/dev/null
kill $AGENT_PID; wait $AGENT_PID 2>/dev/null; AGENT_PID=
has "not without the agent" "$(virt start vm-10)" 'not running'
done_testing

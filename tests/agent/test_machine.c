/* test_machine.c: what a domain's XML lets a virtual machine do; what changes between two starts of one does not count. */
#include "agent/machine.h"

#include "tests/base/base_test.h"

#define UUID	"c7a5fdbd-edaf-9455-926a-d65c16db1809"

static lg_err
parse(struct lg_ctx *cx, const char *devices, const char *others, struct lg_oci *ret)
{
	lg_str id, xml = lg_print(cx->arena, "<domain><name>vm</name><uuid>" UUID "</uuid><devices>%s</devices>%s</domain>", devices, others);

	LG_TRY(lg_machine_parse(cx, xml, &id, ret));
	assert_str(id, UUID);
	return LG_OK;
}

static const struct {
	const char *devices, *others;
	bool privileged, sensitive, network;
} machines[] = {
	{ "<disk type='file'><source file='/srv/a.img'/></disk>", "", false, false, false },
	{ "<disk type='file'><source file='a.img'/></disk>", "", false, true, false },
	{ "<disk type='file'><source file='/srv/../etc/lightgate/key'/></disk>", "", false, true, false },
	{ "<disk type='block'><source dev='/dev/vda'/></disk>", "", true, true, false },
	{ "<disk type='nvme'><source/></disk>", "", true, false, false },
	{ "<disk type='network'><source protocol='rbd' name='pool/image'/></disk>", "", false, false, false },
	{ "<disk type='file'><source file='/var/lib/libvirt/qemu/nvram/x'/></disk>", "", false, false, false },
	{ "<hostdev mode='subsystem' type='usb'/>", "", true, false, false },
	{ "<interface type='direct'><source dev='eth0'/></interface>", "", false, false, true },
	{ "<interface type='hostdev'/>", "", true, false, true },
	{ "<interface type='bridge'><source bridge='br0'/></interface>", "", false, false, false },
	{ "<tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>", "", false, true, false },
	{ "<tpm model='tpm-tis'><backend type='emulator'/></tpm>", "", false, false, false },
	{ "<serial type='unix'><source mode='bind' path='/var/lib/libvirt/qemu/x.sock'/></serial>", "", false, false, false },
	{ "<serial type='unix'><source mode='connect' path='/var/lib/libvirt/qemu/../../../run/docker.sock'/></serial>", "", false, true, false },
	{ "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>", "", false, false, false },
	{ "<rng model='virtio'><backend model='random'>/dev/vda</backend></rng>", "", false, true, false },
	{ "<rng model='virtio'><backend model='egd' type='unix'><source mode='connect' path='/run/x.sock'/></backend></rng>", "", false, true, false },
	{ "<audio id='1' type='none'/>", "", false, false, false },
	{ "<audio id='1' type='file' path='/srv/x.wav'/>", "", true, false, false },
	{ "<redirdev bus='usb' type='spicevmc'/>", "", false, false, false },
	{ "<redirdev bus='usb' type='dev'><source path='/dev/ttyS0'/></redirdev>", "", true, true, false },
	{ "", "<os><acpi><table type='slic'>/etc/shadow</table></acpi></os>", false, true, false },
	{ "", "<os><acpi><table type='slic'>/srv/slic.bin</table></acpi></os>", false, false, false },
	{ "<disk type='file'><source file='/etc/shadow'/></disk>", "", false, true, false },
	{ "<memory model='nvdimm'><source><path>/dev/x</path></source></memory>", "", true, false, false },
	{ "<emulator>/usr/bin/qemu-system-x86_64</emulator>", "", false, false, false },
	{ "<emulator>/usr/bin/qemu-../../tmp/x</emulator>", "", true, false, false },
	{ "", "<seclabel type='dynamic' model='dac' relabel='yes'/>", false, false, false },
	{ "", "<seclabel type='static' relabel='no'/>", true, false, false },
	{ "", "<x:y xmlns:x='http://elsewhere'/>", true, false, false },
	{ "", "<metadata><x:y xmlns:x='http://elsewhere'/></metadata>", false, false, false },
	{ "", "<os><loader>/usr/share/OVMF/OVMF_CODE.fd</loader></os>", false, false, false },
};

Test(machine, each_way_out_is_seen)
{
	struct lg_oci oci;

	for (size_t i = 0; i < LG_COUNT(machines); i++) {
		TEST_CTX(cx);
		cr_assert_eq(parse(cx, machines[i].devices, machines[i].others, &oci), LG_OK, "%s", cx->error);
		cr_assert_eq(oci.privileged, machines[i].privileged, "privileged: %s%s", machines[i].devices, machines[i].others);
		cr_assert_eq(oci.sensitive_mount, machines[i].sensitive, "sensitive: %s%s", machines[i].devices, machines[i].others);
		cr_assert_eq(oci.host_network, machines[i].network, "network: %s%s", machines[i].devices, machines[i].others);
	}
}

#define OF(name, ticket) "<metadata><l:workload xmlns:l='" LG_MACHINE_NAMESPACE "' name='" name "' ticket='" ticket "'/></metadata>"

Test(machine, a_later_start_is_of_the_same_machine_whatever_its_ticket)
{
	TEST_CTX(cx);
	struct lg_oci a, b;

	cr_assert_eq(parse(cx, "<interface type='network'><source network='n'/></interface>", OF("web", "t1"), &a), LG_OK, "%s", cx->error);
	assert_str(a.workload, "web");
	assert_str(a.ticket, "t1");
	cr_assert_eq(parse(cx, "<interface type='network'><source network='n' bridge='virbr0' portid='x'/></interface>", OF("web", "t2"), &b), LG_OK);
	cr_assert_arr_eq(a.sameness.b, b.sameness.b, 32);
	cr_assert_eq(parse(cx, "<interface type='network'><source network='m'/></interface>", OF("web", "t1"), &b), LG_OK);
	cr_assert_arr_neq(a.sameness.b, b.sameness.b, 32);
	cr_assert_eq(parse(cx, "<interface type='network'><source network='n'/></interface>", OF("db", "t1"), &b), LG_OK);
	cr_assert_arr_neq(a.sameness.b, b.sameness.b, 32);
	cr_assert_eq(parse(cx, "", "", &b), LG_OK);
	assert_str(b.workload, "vm");
}

Test(machine, what_is_no_domain_is_refused)
{
	static const char *const bad[] = {
		"", "x", "<network/>", "<domain/>", "<domain><uuid>x</uuid></domain>", "<domain><uuid>" UUID "</uuid>", "<domain></network>",
		"<!DOCTYPE domain><domain><uuid>" UUID "</uuid></domain>", "<domain><uuid>" UUID "</uuid></domain><domain/>",
		"<domain><devices><uuid>" UUID "</uuid></devices></domain>", "<?xml version='1.0' encoding='nonsense'?><domain/>",
	};
	struct lg_oci oci;
	lg_str id;

	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		TEST_CTX(cx);
		cr_assert_eq(lg_machine_parse(cx, lg_str_of(bad[i]), &id, &oci), LG_E_INVALID, "%s", bad[i]);
	}
}

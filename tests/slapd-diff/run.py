"""One stream of operations to two servers; what they answer must be equal, but for the differences listed in ALLOWED.

    run.py SLAPD-URL OURS-URL OURS-DN PASSWORD-FILE SEED OPERATIONS

Compared: result codes, matchedDN, entries with their attributes and values, what read controls show; at the end both trees whole.
"""
import collections
import random
import sys

import ldap
import ldap.controls
from ldap.controls.libldap import AssertionControl, MatchedValuesControl
from ldap.controls.readentry import PostReadControl, PreReadControl
from ldap.controls.simple import ManageDSAITControl

import normal
from stream import BASE, Stream

Answer = collections.namedtuple("Answer", "code matched entries shown text")


# ---- where servers differ by right: each with its reason ---------------------------------------------------------------------

def both(op, theirs, ours, codes):
    return (theirs.code, ours.code) in codes


def rdn_value(op, theirs, ours):
    return op["op"] == "modify" and both(op, theirs, ours, {(64, 67)})


def outside(op, theirs, ours):
    return op.get("dn") == "dc=elsewhere" and both(op, theirs, ours, {(53, 32)})


def superior_outside(op, theirs, ours):
    return op["op"] == "rename" and op["superior"] == "dc=elsewhere" and both(op, theirs, ours, {(71, 32)})


def rename_matched(op, theirs, ours):
    return op["op"] == "rename" and both(op, theirs, ours, {(32, 32)}) and theirs.matched == ()


def two_faults(op, theirs, ours):
    if op["op"] == "add":
        return both(op, theirs, ours, {(65, 68), (65, 32), (64, 68)})
    if op["op"] == "search":
        return both(op, theirs, ours, {(34, 12)})
    if op["op"] == "rename":
        return both(op, theirs, ours, {(53, 32)}) and "below itself" in theirs.text
    return op["op"] == "modify" and len(op["mods"]) + len(op["controls"]) > 1 and 0 not in (theirs.code, ours.code)


def unique(op, theirs, ours):
    return ours.code == 19 and "is another entry's already" in ours.text


def second_structural(op, theirs, ours):
    return op["op"] == "modify" and both(op, theirs, ours, {(65, 69)}) and "posixGroup" in theirs.text


def too_deep(op, theirs, ours):
    return theirs.code == 80 and theirs.text == "DN index add failed"


ALLOWED = [
    ("rdn-value", "removing a value of the RDN: RFC 4511 4.6 names notAllowedOnRDN (67); slapd says namingViolation (64)", rdn_value),
    ("outside", "a change outside all suffixes: no entry has that name (32); slapd says unwillingToPerform (53)", outside),
    ("superior", "a new superior outside all suffixes: the same (32); slapd says affectsMultipleDSAs (71)", superior_outside),
    ("matched", "renaming what is not there: RFC 4511 4.1.9 wants the lowest entry that is; slapd names none", rename_matched),
    ("faults", "several things wrong in one request: any of them may be named", two_faults),
    ("unique", "uidNumber and people's mail belong to one entry of a tenant: people sign in by them", unique),
    ("posix", "a structural class for a posixGroup, which may stand beside another one here (RFC 2307bis): the structural class would "
     "change (69); to slapd there would be two (65)", second_structural),
    ("deep", "an RDN too long for a key of slapd's DN index: it fails with other (80)", too_deep),
]
# Not asked for at all, since the answers differ by design:
#   membership   members are entries here, not text: who is deleted or renamed leaves or follows in every group, and a member that does
#                not exist is refused (19), so is a group in itself; slapd does the first with an overlay only
#   name         two people of one uid, or two groups of one cn, in one tenant: refused (19) here, since tokens name people by it
#   superclass   of the classes that others bring along none is added or deleted: they are stored here, and made when asked for by slapd
#   blank        (cn= *): RFC 4518 2.6.1 has every value begin with a blank, so that it matches; slapd matches nothing.  In telephone
#                numbers and IA5 strings nothing is left of a piece of blanks
#   lists        (postalAddress=a $ b): blanks around the lines of a list are nothing here (RFC 4517 4.2.16), not so in slapd
#   matched      of types alone there is no value to match: slapd then leaves RFC 3876 out, here such attributes are not named
#   approx       (cn~=x): slapd compares how names sound; here it is equality (RFC 4511 4.5.1.7.6 leaves it to the server)
#   operational  creatorsName, modifiersName, entryCSN, timestamps: each server's own


# ---- one server ------------------------------------------------------------------------------------------------------------------

class Server:
    def __init__(self, url, dn, password):
        self.ldap = ldap.initialize(url, bytes_mode=False)
        self.ldap.set_option(ldap.OPT_REFERRALS, 0)
        self.ldap.simple_bind_s(dn, password)

    def controls(self, op):
        made = []
        for name, arg in op.get("controls", []):
            if name == "assert":
                made.append(AssertionControl(True, arg))
            elif name == "matched":
                made.append(MatchedValuesControl(True, "(%s)" % arg))
            elif name == "preread":
                made.append(PreReadControl(True, arg))
            elif name == "postread":
                made.append(PostReadControl(True, arg))
            elif name == "manage":
                made.append(ManageDSAITControl(True))
            elif name == "unknown":
                made.append(ldap.controls.RequestControl("1.2.3.4.5", True, None))
        return made

    def send(self, op):
        controls = self.controls(op)
        kind = op["op"]
        if kind == "add":
            return self.ldap.add_ext(op["dn"], op["attrs"], controls)
        if kind == "modify":
            return self.ldap.modify_ext(op["dn"], op["mods"], controls)
        if kind == "rename":
            return self.ldap.rename(op["dn"], op["rdn"], op["superior"], int(op["delete_old"]), controls)
        if kind == "delete":
            return self.ldap.delete_ext(op["dn"], controls)
        return self.ldap.compare_ext(op["dn"], op["attribute"], op["value"], controls)

    def pages(self, op):
        """All pages of a search, or the one answer."""
        size = dict(op["controls"]).get("paged")
        page = ldap.controls.SimplePagedResultsControl(True, size or 0, "")
        found = []
        while True:
            controls = self.controls(op) + ([page] if size else [])
            mid = self.ldap.search_ext(op["base"], op["scope"], op["filter"], op["attrs"], int(op["types_only"]), controls)
            _, data, _, answered = self.ldap.result3(mid, timeout=20)
            found += data
            cookies = [c.cookie for c in answered if c.controlType == page.controlType]
            if size and len(data) > size:
                raise AssertionError("a page of %d entries, asked for %d" % (len(data), size))
            if not size or not cookies or not cookies[0]:
                return found, answered
            page.cookie = cookies[0]

    def do(self, op):
        entries, shown, code, matched, text = {}, None, 0, "", ""
        try:
            if op["op"] == "search":
                data, _ = self.pages(op)
                for dn, attrs in data:
                    if normal.dn(dn) in entries:
                        raise AssertionError("%s was sent twice" % dn)
                    entries[normal.dn(dn)] = normal.entry(attrs)
                if "matched" in dict(op["controls"]):      # slapd names computed attributes without values, stored ones not
                    entries = {dn: {k: v for k, v in e.items() if v} for dn, e in entries.items()}
            else:
                _, _, _, answered = self.ldap.result3(self.send(op), timeout=20)
                for c in answered:
                    if hasattr(c, "entry"):
                        shown = normal.entry({k: [v if isinstance(v, bytes) else v.encode() for v in vs] for k, vs in c.entry.items()})
        except ldap.LDAPError as e:
            info = e.args[0] if e.args and isinstance(e.args[0], dict) else {}
            code, matched, text = info.get("result", -1), info.get("matched", ""), info.get("info", str(e))
        return Answer(code, normal.dn(matched), entries, shown, text)

    def tree(self):
        found = self.ldap.search_s(BASE, ldap.SCOPE_SUBTREE, "(objectClass=*)", ["*"])
        return {normal.dn(dn): (dn, normal.entry(attrs)) for dn, attrs in found}

    def empty(self):
        try:
            for dn in sorted((d for d, _ in self.tree().values()), key=lambda d: -len(normal.dn(d))):
                self.ldap.delete_s(dn)
        except ldap.NO_SUCH_OBJECT:
            pass

    def begin(self):
        self.empty()
        for dn, name in ((BASE, "diff"), ("ou=one," + BASE, "one"), ("ou=two," + BASE, "two")):
            self.ldap.add_s(dn, [("objectClass", [b"organizationalUnit"]), ("ou", [name.encode()])])


# ---- comparing ---------------------------------------------------------------------------------------------------------------------

def differences(op, theirs, ours):
    found = []
    for name in ("code", "matched", "shown"):
        a, b = getattr(theirs, name), getattr(ours, name)
        if a != b:
            found.append("%s: slapd %r, ours %r" % (name, a, b))
    for dn in sorted(set(theirs.entries) | set(ours.entries), key=str):
        a, b = theirs.entries.get(dn), ours.entries.get(dn)
        if a is None or b is None:
            found.append("entry %s: only %s has it" % (dn, "slapd" if b is None else "ours"))
        elif a != b:
            for at in sorted(set(a) | set(b)):
                if a.get(at) != b.get(at):
                    found.append("%s %s: slapd %r, ours %r" % (dn, at, a.get(at), b.get(at)))
    return found


def resync(slapd, ours, stream):
    """After a difference both go on from the same state.  What is deleted leaves our groups and stays a member of slapd's, so look again."""
    for _ in range(5):
        theirs, our = slapd.tree(), ours.tree()
        wrong = [dn for dn in set(theirs) | set(our) if theirs.get(dn, (0, 0))[1] != our.get(dn, (0, 1))[1]]
        if not wrong:
            return
        gone = {dn for dn in set(theirs) | set(our) if any(dn[-len(w):] == w for w in wrong)}
        for server, tree in ((slapd, theirs), (ours, our)):
            for dn in sorted(gone & set(tree), key=lambda d: -len(d)):
                try:
                    server.ldap.delete_s(tree[dn][0])
                except ldap.LDAPError:
                    pass
        stream.entries = {dn: kind for dn, kind in stream.entries.items() if normal.dn(dn) not in gone}


def run(slapd, ours, seed, count):
    stream = Stream(random.Random(seed))
    failed, allowed, codes = 0, collections.Counter(), collections.Counter()
    for server in (slapd, ours):
        server.begin()
    for n in range(count):
        op = stream.next()
        theirs, our = slapd.do(op), ours.do(op)
        codes[(op["op"], theirs.code)] += 1
        wrong = differences(op, theirs, our)
        name = next((a[0] for a in ALLOWED if wrong and a[2](op, theirs, our)), None)
        if name:
            allowed[name] += 1
            if (theirs.code == 0) != (our.code == 0):
                resync(slapd, ours, stream)
        elif wrong:
            failed += 1
            print("different at %d (seed %d): %r\n  %s\n  slapd says %r, ours %r" % (n, seed, op, "\n  ".join(wrong[:6]), theirs.text, our.text))
            resync(slapd, ours, stream)
        if not wrong and theirs.code == 0:
            stream.succeeded(op)
        if failed >= 40:
            break
    theirs, our = slapd.tree(), ours.tree()
    if {k: v[1] for k, v in theirs.items()} != {k: v[1] for k, v in our.items()}:
        failed += 1
        print("the trees differ at the end")
    for name, reason, _ in ALLOWED:
        print("allowed %3d times: %s: %s" % (allowed[name], name, reason))
    print("answers: " + ", ".join("%s %d: %d" % (op, code, k) for (op, code), k in sorted(codes.items())))
    print("operations %d, entries at the end %d, different %d" % (n + 1, len(our), failed))
    return failed


# ---- aliases ------------------------------------------------------------------------------------------------------------------------

HOME = "ou=aliases," + BASE
ALIASES = {
    "cn=one,ou=from," + HOME: "ou=to," + HOME,
    "cn=two,ou=from," + HOME: "cn=leaf,ou=to," + HOME,
    "cn=twice,ou=from," + HOME: "cn=two,ou=from," + HOME,
    "cn=back,ou=to," + HOME: "ou=from," + HOME,
    "cn=nowhere,ou=from," + HOME: "cn=nobody,ou=to," + HOME,
    "cn=a,ou=from," + HOME: "cn=b,ou=from," + HOME,
    "cn=b,ou=from," + HOME: "cn=a,ou=from," + HOME,
}


def add_aliases(server):
    for dn in (HOME, "ou=from," + HOME, "ou=to," + HOME):
        server.ldap.add_s(dn, [("objectClass", [b"organizationalUnit"]), ("ou", [dn[3:].split(",")[0].encode()])])
    for name in ("leaf", "other"):
        server.ldap.add_s("cn=%s,ou=to,%s" % (name, HOME), [("objectClass", [b"device"]), ("cn", [name.encode()])])
    for dn, to in ALIASES.items():
        server.ldap.add_s(dn, [("objectClass", [b"alias", b"extensibleObject"]), ("cn", [dn[3:].split(",")[0].encode()]),
                               ("aliasedObjectName", [to.encode()])])


def looked(server, base, scope, deref):
    server.ldap.set_option(ldap.OPT_DEREF, deref)
    try:
        return 0, sorted(normal.dn(dn) for dn, _ in server.ldap.search_s(base, scope, "(objectClass=*)", ["1.1"]))
    except ldap.LDAPError as e:
        return e.args[0].get("result", -1), []


def aliases(slapd, ours):
    """Every base, scope and setting of derefAliases."""
    failed, asked = 0, 0
    for server in (slapd, ours):
        add_aliases(server)
    bases = list(ALIASES) + [HOME, "ou=from," + HOME, "ou=to," + HOME, "cn=leaf,ou=to," + HOME, "cn=leaf,cn=one,ou=from," + HOME, "cn=none,cn=one,ou=from," + HOME]
    for base in bases:
        for scope in (ldap.SCOPE_BASE, ldap.SCOPE_ONELEVEL, ldap.SCOPE_SUBTREE):
            for deref in (ldap.DEREF_NEVER, ldap.DEREF_SEARCHING, ldap.DEREF_FINDING, ldap.DEREF_ALWAYS):
                theirs, our = looked(slapd, base, scope, deref), looked(ours, base, scope, deref)
                asked += 1
                if theirs != our:
                    failed += 1
                    print("alias search of %s, scope %d, deref %d:\n  slapd %r\n  ours  %r" % (base, scope, deref, theirs, our))
    for server in (slapd, ours):
        server.ldap.set_option(ldap.OPT_DEREF, ldap.DEREF_NEVER)
    print("alias searches %d, different %d" % (asked, failed))
    return failed


def main(argv):
    password = open(argv[4]).read().strip()
    slapd = Server(argv[1], "cn=admin,dc=example,dc=org", "secret")
    ours = Server(argv[2], argv[3], password)
    failed = run(slapd, ours, int(argv[5]), int(argv[6])) + aliases(slapd, ours)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))

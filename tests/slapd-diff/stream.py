"""A seeded stream of LDAP operations: mostly good, with every kind of mistake that a client can make now and then."""
import ldap
import ldap.dn
import ldap.filter

from normal import dn as normal_dn

BASE = "ou=diff,dc=example,dc=org"
NAMES = ["Anna", "Björn", "Carla van Dyke", "Dmitrij", "Eve", "Frank  Ocean", "Ġorġ", "O'Neil", "Zoë", "ʻAkahi", "anna", "Łukasz"]
WORDS = ["alpha", "Beta", "gamma  ray", "DELTA", "epsilon, comma", "zeta+plus", "#hash", "quote\"d", "back\\slash", "semi;colon", "<angle>",
         "trailing ", " leading", "straße", "naïve", "12", "0012", "x" * 70]
PHONES = ["+49 30 123-456", "+4930123456", "030 1", "+1 555 0100"]
MAILS = ["anna@example.org", "Bob@Example.org", "x@y.z"]
PATHS = ["/home/anna", "/home/Anna", "/srv"]
NUMBERS = ["0", "7", "1000", "1001", "-5", "2147483648"]
BAD = {"uidNumber": ["abc", "1.5", "", "007"], "seeAlso": ["no dn", "cn"], "telephoneNumber": [""], "mail": ["ü@example.org"],
       "sn": [""], "gidNumber": ["x"], "member": ["nobody", "cn=ghost,"], "c": ["Germany"]}
TEXTS = ["description", "title", "givenName", "sn", "cn", "ou", "l", "displayName", "employeeNumber", "departmentNumber", "roomNumber"]
SINGLE = ["displayName", "employeeNumber", "uidNumber", "gidNumber", "homeDirectory", "preferredLanguage"]


def escape(text):
    return ldap.dn.escape_dn_chars(text)


class Stream:
    def __init__(self, random):
        self.random = random
        self.entries = {BASE: "ou", "ou=one," + BASE: "ou", "ou=two," + BASE: "ou"}     # what both servers have, with its kind
        self.made = 0
        self.members = set()        # named by a group at some time: see the runner's list of differences, "membership"

    # ---- pieces -------------------------------------------------------------------------------------------------

    def one(self, of):
        return self.random.choice(list(of))

    def chance(self, share):
        return self.random.random() < share

    def existing(self, kind=None):
        of = [dn for dn, k in self.entries.items() if kind is None or k == kind]
        return self.one(of) if of else BASE

    def some_dn(self):
        roll = self.random.random()
        if roll < 0.85:
            return self.existing()
        if roll < 0.90:
            return "cn=missing," + self.existing()
        if roll < 0.93:
            return "cn=a,cn=b,cn=missing," + BASE
        if roll < 0.95:
            return self.respell(self.existing())
        if roll < 0.97:
            return "dc=elsewhere"
        return self.one(["no dn", "cn=x,,dc=org", "=x," + BASE, "cn=x\\", BASE + ","])

    def respell(self, dn):
        """The same name as somebody else would write it."""
        return ",  ".join(rdn.upper() if self.chance(0.5) and "\\" not in rdn and rdn.isascii() else rdn for rdn in ldap.dn.explode_dn(dn))

    def attribute(self):
        return self.one(TEXTS + ["uid", "mail", "telephoneNumber", "uidNumber", "gidNumber", "objectClass", "member", "seeAlso", "memberUid",
                                 "homeDirectory", "name", "labeledURI", "frob", "postalAddress", "manager"])

    def value(self, name, bad=0.04):
        if name in BAD and self.chance(bad):
            return self.one(BAD[name])
        if name in ("uidNumber", "gidNumber"):
            return self.one(NUMBERS)
        if name in ("member", "seeAlso", "manager"):
            return self.existing() if self.chance(0.7) else self.respell(self.existing())
        if name == "telephoneNumber":
            return self.one(PHONES)
        if name == "mail":
            return self.one(MAILS)
        if name in ("homeDirectory", "loginShell"):
            return self.one(PATHS)
        if name == "memberUid":
            return self.one(["anna", "Anna", "bob"])
        if name == "uid":
            return self.one(["u%d" % self.random.randint(1, self.made + 1), "U2", "nobody"])
        if name == "objectClass":
            return self.one(["person", "inetOrgPerson", "organizationalUnit", "groupOfNames", "posixAccount", "TOP", "nonsense", "2.5.6.6"])
        if name == "labeledURI":
            return self.one(["http://a/ A", "http://a/ a"])
        if name == "postalAddress":
            return self.one(["1 Main St$Town", "2 Main St$Town"])
        return self.one(NAMES + WORDS)

    def new_value(self, name, bad=0.04):
        """To be written: names of people and groups are given once."""
        if name in ("uid", "userid"):
            self.made += 1
            return "u%d" % self.made
        if name == "objectClass":
            return self.one(["posixAccount", "organizationalUnit", "uidObject", "nonsense"])
        v = self.value(name, bad)
        if name == "member" and v not in BAD["member"]:
            self.members.add(normal_dn(v))
        return v

    def encoded(self, values):
        return [v.encode() for v in values]

    # ---- adding ---------------------------------------------------------------------------------------------------

    def person(self, n):
        cn = "%s %d" % (self.one(NAMES), n)
        attrs = {"objectClass": ["inetOrgPerson"], "cn": [cn], "sn": [self.one(NAMES)], "uid": ["u%d" % n]}
        if self.chance(0.4):
            attrs["objectClass"].append("posixAccount")
            attrs.update(uidNumber=[str(1000 + n)], gidNumber=[self.one(NUMBERS)], homeDirectory=[self.one(PATHS)])
        for name in self.random.sample(["description", "title", "givenName", "telephoneNumber", "mail", "seeAlso", "displayName",
                                        "employeeNumber", "labeledURI", "postalAddress", "manager", "roomNumber"], self.random.randint(0, 4)):
            count = 1 if name in SINGLE or self.chance(0.7) else 2
            attrs[name] = [self.new_value(name) for _ in range(count)]
        if self.chance(0.6):
            rdn = "uid=u%d" % n
        elif self.chance(0.3):
            rdn = "cn=%s+uid=u%d" % (escape(cn), n)
        else:
            rdn = "cn=" + escape(cn)
        return rdn, attrs, "person"

    def group(self, n):
        if self.chance(0.3):
            attrs = {"objectClass": ["posixGroup"], "cn": ["p%d" % n], "gidNumber": [self.one(NUMBERS)], "memberUid": ["anna"]}
        else:
            attrs = {"objectClass": ["groupOfNames"], "cn": ["g%d" % n], "member": sorted({self.new_value("member", 0) for _ in range(self.random.randint(1, 3))})}
        return "cn=" + attrs["cn"][0], attrs, "group"

    def unit(self, n):
        name = "unit%d %s" % (n, self.one(WORDS).strip())
        return "ou=" + escape(name), {"objectClass": ["organizationalUnit"], "ou": [name], "description": [self.one(WORDS)]}, "ou"

    def spoil(self, rdn, attrs):
        """One mistake: a request with two may be refused for either (RFC 4511 names no order)."""
        kind = self.random.randrange(10)
        if kind == 0:
            attrs.pop(self.one(k for k in attrs if k != "objectClass"))
        elif kind == 1:
            attrs["frob"] = ["x"]
        elif kind == 2:
            attrs["objectClass"] = attrs["objectClass"] + ["nonsense"]
        elif kind == 3:
            attrs["objectClass"] = attrs["objectClass"] + ["device", "locality"]
        elif kind == 4:
            attrs["uidNumber"] = ["5", "6"]
        elif kind == 5:
            attrs["description"] = ["twice", "Twice"]
        elif kind == 6:
            attrs["seeAlso"] = ["no dn"]
        elif kind == 7:
            attrs["objectClass"] = ["posixAccount"]
        elif kind == 8:
            attrs["createTimestamp"] = ["20200101000000Z"]
        else:
            rdn = "cn=another name %d" % self.made
        return rdn, attrs

    def add(self):
        self.made += 1
        make = self.one([self.person] * 5 + [self.group] * 2 + [self.unit])
        rdn, attrs, kind = make(self.made)
        parent = self.existing("ou") if self.chance(0.9) else self.existing()
        spoilt = self.chance(0.2)
        if spoilt:
            rdn, attrs = self.spoil(rdn, attrs)
        elif self.chance(0.05):
            parent = "ou=missing," + parent
        elif self.chance(0.05):
            rdn, parent = self.existing().split(",", 1)
        dn = rdn + "," + parent
        return {"op": "add", "dn": dn, "kind": kind, "attrs": [(k, self.encoded(v)) for k, v in attrs.items()]}

    # ---- changing -----------------------------------------------------------------------------------------------------

    def modification(self):
        name = self.attribute()
        how = self.one([ldap.MOD_ADD, ldap.MOD_ADD, ldap.MOD_DELETE, ldap.MOD_DELETE, ldap.MOD_REPLACE, ldap.MOD_REPLACE, ldap.MOD_INCREMENT])
        if how == ldap.MOD_INCREMENT:
            if self.chance(0.7):
                name = self.one(["uidNumber", "gidNumber"])
            return how, name, [self.one([b"1", b"-3", b"x"]) if self.chance(0.3) else b"2"]
        count = self.one([0, 1, 1, 1, 2]) if how != ldap.MOD_ADD else self.one([1, 1, 1, 2])
        values = sorted({self.value(name) if how == ldap.MOD_DELETE and name != "objectClass" else self.new_value(name) for _ in range(count)})
        return how, name, self.encoded(values) if values else None

    def modify(self):
        dn = self.some_dn()
        mods = [self.modification() for _ in range(self.one([1, 1, 1, 2, 3]))]
        mods = [m for m in mods if m[1] != "member" or not any(normal_dn(v.decode()) == normal_dn(dn) for v in m[2] or [])]
        if not mods:
            return self.modify()
        return {"op": "modify", "dn": dn, "mods": mods, "controls": self.read_controls()}

    def rename(self):
        dn = self.unnamed(self.some_dn)
        if self.chance(0.6):
            self.made += 1
            rdn = "%s=%s" % (self.one(["cn", "uid", "ou"]), escape("%s r%d" % (self.one(WORDS).strip(), self.made)))
        elif self.chance(0.8):
            rdn = dn.split(",")[0]
        else:
            rdn = self.one(["frob=x", "cn=a,cn=b", "no rdn", "", "uidNumber=abc"])
        superior = None
        if self.chance(0.5):
            superior = self.existing("ou") if self.chance(0.7) else self.some_dn()
        return {"op": "rename", "dn": dn, "rdn": rdn, "delete_old": self.chance(0.5), "superior": superior}

    def delete(self):
        pick = self.some_dn if self.chance(0.3) else lambda: self.existing("person")
        return {"op": "delete", "dn": self.unnamed(pick)}

    def unnamed(self, pick):
        """One that no group names, and nothing below it either."""
        for _ in range(20):
            dn = pick()
            at = normal_dn(dn)
            if not any(m[-len(at):] == at for m in self.members):
                return dn
        return "cn=missing," + BASE

    def compare(self):
        name = self.attribute()
        return {"op": "compare", "dn": self.some_dn(), "attribute": name, "value": self.value(name, 0.1).encode()}

    def read_controls(self):
        roll = self.random.random()
        if roll < 0.05:
            return [("assert", self.filter(1))]
        if roll < 0.10:
            return [("preread", ["*"])]
        if roll < 0.15:
            return [("postread", ["cn", "description", "uidNumber"])]
        return []

    # ---- searching -----------------------------------------------------------------------------------------------------

    def assertion(self, name):
        return ldap.filter.escape_filter_chars(self.value(name, 0.08))

    def term(self):
        name = self.attribute()
        kind = self.random.randrange(12)
        if kind <= 3:
            return "(%s=%s)" % (name, self.assertion(name))
        if kind <= 5:
            return "(%s=*)" % name
        if kind <= 7:
            text = ldap.filter.escape_filter_chars(self.one(["a", "an", "b", "er", "1", "0", "ma", "ö", "Z", "x", "t"]))
            shape = self.one(["%s*", "*%s*", "*%s", "*%s*%s*"] + (["* *"] if name in TEXTS else []))
            return "(%s=%s)" % (name, shape.replace("%s", text))
        if kind == 8:
            return "(%s>=%s)" % (name, self.assertion(name))
        if kind == 9:
            return "(%s<=%s)" % (name, self.assertion(name))
        if kind == 10:
            return self.one(["(cn:caseExactMatch:=%s)", "(:caseIgnoreMatch:=%s)", "(sn:dn:=%s)", "(cn:dn:2.5.13.2:=%s)", "(uid:=%s)"]) % self.assertion("cn")
        return self.one(["(&)", "(|)", "(objectClass=*)", "(!(frob=x))", "(ou:dn:=one)", "(:dn:caseIgnoreMatch:=two)"])

    def filter(self, depth=3):
        kind = self.random.randrange(8) if depth > 0 else 0
        if kind <= 4:
            return self.term()
        if kind == 5:
            return "(!%s)" % self.filter(depth - 1)
        return "(%s%s)" % (self.one("&|"), "".join(self.filter(depth - 1) for _ in range(self.random.randint(1, 3))))

    def matched(self):
        """Values to keep (RFC 3876), by terms that name no class: which classes are stored differs."""
        name = self.one(TEXTS + ["mail", "telephoneNumber", "uidNumber", "seeAlso"])
        text = ldap.filter.escape_filter_chars(self.one(["a", "n", "1", "e"]))
        return self.one(["(%s=*)" % name, "(%s=%s)" % (name, self.assertion(name)), "(%s=*%s*)" % (name, text), "(%s>=%s)" % (name, self.assertion(name))])

    def search(self):
        scope = self.one([ldap.SCOPE_BASE, ldap.SCOPE_ONELEVEL, ldap.SCOPE_SUBTREE, ldap.SCOPE_SUBTREE, ldap.SCOPE_SUBORDINATE])
        attrs = self.one([None, None, ["*"], ["1.1"], ["cn", "sn"], ["name"], ["uid", "frob"], ["@person"], ["@posixAccount", "cn"], ["2.5.4.3"],
                          ["structuralObjectClass", "hasSubordinates"], ["entryDN", "cn"], ["1.1", "cn"], ["CN;lang-de"]])
        base = BASE if self.chance(0.6) else self.some_dn()
        controls = []
        roll = self.random.random()
        if roll < 0.15:
            controls = [("paged", self.one([1, 2, 7, 100]))]
        elif roll < 0.20:
            controls = [("manage", None)]
        elif roll < 0.23:
            controls = [("assert", self.filter(1))]
        elif roll < 0.25:
            controls = [("unknown", None)]
        elif roll < 0.32:
            controls = [("matched", self.matched())]
        return {"op": "search", "base": base, "scope": scope, "filter": self.filter(), "attrs": attrs,
                "types_only": self.chance(0.1) and not any(c[0] == "matched" for c in controls), "controls": controls}

    # ---- the next one -----------------------------------------------------------------------------------------------------

    def next(self):
        few = len(self.entries) < 40
        make = self.one([self.add] * (30 if few else 8) + [self.search] * 24 + [self.modify] * 16 + [self.compare] * 6 + [self.rename] * 6
                        + [self.delete] * (1 if few else 5))
        return make()

    def succeeded(self, op):
        """Both servers did it: what is there now?"""
        if op["op"] == "add":
            self.entries[op["dn"]] = op["kind"]
        elif op["op"] == "delete":
            self.forget(op["dn"])
        elif op["op"] == "rename":
            parent = op["superior"] if op["superior"] is not None else ",".join(ldap.dn.explode_dn(op["dn"])[1:])
            self.move(op["dn"], op["rdn"] + "," + parent)

    def forget(self, dn):
        self.entries = {k: v for k, v in self.entries.items() if normal_dn(k) != normal_dn(dn)}

    def move(self, old, new):
        depth, moved = len(normal_dn(old)), {}
        for dn, kind in self.entries.items():
            if normal_dn(dn)[-depth:] == normal_dn(old):
                rest = ldap.dn.explode_dn(dn)[:len(normal_dn(dn)) - depth]
                dn = ",".join(rest + [new])
            moved[dn] = kind
        self.entries = moved


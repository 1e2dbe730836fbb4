#!/usr/bin/python3
"""Changes a directory at random, and compares two: what a consumer holds with what its provider shows.

syncrepl.py schema PROVIDER              the provider's own types and classes, as slapd.conf includes them
syncrepl.py change PROVIDER BINDDN FILE SEED COUNT
syncrepl.py same PROVIDER BINDDN FILE CONSUMER SECONDS
"""
import random
import sys
import time

import ldap
import ldap.modlist

SUFFIX = "dc=example,dc=org"
OURS = ("2.25.169124027163646859624296101555687700209", "1.3.6.1.4.1.24552", "1.3.6.1.4.1.42.2.27.8")
# What a provider makes on the way, or keeps to itself.
NOT_CONTENT = {"memberof", "hassubordinates", "entrydn", "subschemasubentry", "userpassword", "pwdchangedtime", "pwdaccountlockedtime",
               "pwdgraceusetime", "pwdreset", "contextcsn"}


def bound(url, dn=None, secret=None):
    c = ldap.initialize(url)
    c.set_option(ldap.OPT_NETWORK_TIMEOUT, 5)
    if dn:
        c.simple_bind_s(dn, secret)
    return c


def schema(url):
    found = bound(url).search_s("cn=Subschema", ldap.SCOPE_BASE, "(objectClass=*)", ["attributeTypes", "objectClasses"])[0][1]
    for keyword, values in (("attributetype", found["attributeTypes"]), ("objectclass", found["objectClasses"])):
        for v in values:
            text = v.decode()
            if text.split()[1].startswith(OURS):
                print(keyword, text.replace(" NO-USER-MODIFICATION", "").replace(" USAGE directoryOperation", ""))


PLACES = ("people", "services")
REFUSED = (ldap.NO_SUCH_OBJECT, ldap.ALREADY_EXISTS, ldap.NO_SUCH_ATTRIBUTE, ldap.TYPE_OR_VALUE_EXISTS, ldap.CONSTRAINT_VIOLATION)
KINDS = ["add"] * 3 + ["modify"] * 2 + ["delete", "rename", "move", "join", "leave", "found", "dissolve"]


class Changes:
    """Knows who stands where, so that whatever has happened before, every kind of change goes on finding what it changes."""

    def __init__(self, c, seed):
        self.c, self.any = c, random.Random(seed)
        self.place = {dn.split(",")[0][len("uid="):]: place for place in PLACES
                      for dn, _ in c.search_s(f"ou={place},{SUFFIX}", ldap.SCOPE_ONELEVEL, "(uid=p*)", ["1.1"])}

    def name(self):
        return f"p{self.any.randrange(200)}"

    def dn(self, name):
        return f"uid={name},ou={self.place.get(name, 'people')},{SUFFIX}"

    def group(self):
        return f"cn=g{self.any.randrange(10)},ou=groups,{SUFFIX}"

    def add(self, name):
        attributes = {
            "objectClass": [b"inetOrgPerson", b"lgAccount"], "uid": [name.encode()], "cn": [f"Person {name}".encode(), "Ünï".encode()],
            "sn": [b"%d" % self.any.randrange(200)], "description": [b"x" * self.any.randrange(1, 400)]}
        if self.any.random() < 0.02:
            attributes["userPassword"] = [b"a pass phrase of " + name.encode()]
        self.c.add_s(self.dn(name), ldap.modlist.addModlist(attributes))
        self.place[name] = "people"

    def modify(self, name):
        self.c.modify_s(self.dn(name), [(ldap.MOD_REPLACE, "sn", [b"%d" % self.any.randrange(200)]),
                                        (ldap.MOD_ADD, "title", [str(self.any.random()).encode()])])

    def delete(self, name):
        self.c.delete_s(self.dn(name))
        del self.place[name]

    def rename(self, name):
        new = self.name()
        self.c.rename_s(self.dn(name), f"uid={new}", delold=1)
        self.place[new] = self.place.pop(name)

    def move(self, name):
        to = PLACES[self.place.get(name) == PLACES[0]]
        self.c.rename_s(self.dn(name), f"uid={name}", newsuperior=f"ou={to},{SUFFIX}", delold=0)
        self.place[name] = to

    def join(self, name):
        self.c.modify_s(self.group(), [(ldap.MOD_ADD, "member", [self.dn(name).encode()])])

    def leave(self, name):
        self.c.modify_s(self.group(), [(ldap.MOD_DELETE, "member", [self.dn(name).encode()])])

    def found(self, _):
        dn = self.group()
        self.c.add_s(dn, [("objectClass", [b"lgGroup"]), ("cn", [dn.split(",")[0][len("cn="):].encode()])])

    def dissolve(self, _):
        if self.any.random() < 0.2:
            self.c.delete_s(self.group())

    def run(self, count):
        done = refused = 0
        while done < count:
            try:
                getattr(self, self.any.choice(KINDS))(self.name())
                done, refused = done + 1, 0
            except REFUSED:
                refused += 1
                if refused == 1000:
                    sys.exit(f"1,000 refusals in a row after {done} changes")


def content(c):
    entries = {}
    for dn, attributes in c.search_s(SUFFIX, ldap.SCOPE_SUBTREE, "(objectClass=*)", ["*", "+"]):
        entries[attributes["entryUUID"][0]] = (
            dn.lower(), {k.lower(): sorted(v.lower() if k.lower() in ("member", "objectclass", "creatorsname", "modifiersname") else v for v in vs)
                         for k, vs in attributes.items() if k.lower() not in NOT_CONTENT})
    return entries


def difference(a, b):
    for uuid in a.keys() | b.keys():
        if a.get(uuid) != b.get(uuid):
            return f"{uuid.decode()}:\n provider {a.get(uuid)}\n consumer {b.get(uuid)}"
    return None


def same(provider, consumer, seconds):
    end = time.monotonic() + seconds
    while True:
        try:
            a, b = content(provider), content(consumer)
        except ldap.NO_SUCH_OBJECT:
            a, b = {b"": "the suffix is not there yet"}, {}
        wrong = difference(a, b)
        if wrong is None:
            print(len(a), "entries are the same")
            return 0
        if time.monotonic() > end:
            print(wrong)
            return 1
        time.sleep(0.1)


def main(argv):
    if argv[1] == "schema":
        schema(argv[2])
        return 0
    provider = bound(argv[2], argv[3], open(argv[4]).read().strip())
    if argv[1] == "change":
        Changes(provider, int(argv[5])).run(int(argv[6]))
        return 0
    return same(provider, bound(argv[5], f"cn=admin,{SUFFIX}", "secret"), float(argv[6]))


sys.exit(main(sys.argv))

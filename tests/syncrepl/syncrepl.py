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


def person(i):
    return f"uid=p{i},ou=people,{SUFFIX}"


class Changes:
    def __init__(self, c, seed):
        self.c, self.any, self.done = c, random.Random(seed), 0

    def one(self):
        i, j, any_ = self.any.randrange(200), self.any.randrange(200), self.any
        what = any_.choice(["add", "add", "add", "modify", "modify", "delete", "rename", "move", "join", "leave", "group"])
        c = self.c
        if what == "add":
            c.add_s(person(i), ldap.modlist.addModlist({
                "objectClass": [b"inetOrgPerson", b"lgAccount"], "uid": [f"p{i}".encode()], "cn": [f"Person {i}".encode(), "Ünï".encode()],
                "sn": [str(j).encode()], "description": [b"x" * any_.randrange(1, 400)], "userPassword": [b"a pass phrase of p%d" % i]}
                if any_.random() < 0.02 else {
                "objectClass": [b"inetOrgPerson", b"lgAccount"], "uid": [f"p{i}".encode()], "cn": [f"Person {i}".encode(), "Ünï".encode()],
                "sn": [str(j).encode()], "description": [b"x" * any_.randrange(1, 400)]}))
        elif what == "modify":
            c.modify_s(person(i), [(ldap.MOD_REPLACE, "sn", [str(j).encode()]), (ldap.MOD_ADD, "title", [str(any_.random()).encode()])])
        elif what == "delete":
            c.delete_s(person(i))
        elif what == "rename":
            c.rename_s(person(i), f"uid=p{j}", delold=1)
        elif what == "move":
            c.rename_s(person(i), f"uid=p{i}", newsuperior=f"ou=services,{SUFFIX}", delold=0)
        elif what == "group":
            c.add_s(f"cn=g{i % 10},ou=groups,{SUFFIX}", [("objectClass", [b"lgGroup"]), ("cn", [f"g{i % 10}".encode()])])
        else:
            op = ldap.MOD_ADD if what == "join" else ldap.MOD_DELETE
            c.modify_s(f"cn=g{i % 10},ou=groups,{SUFFIX}", [(op, "member", [person(j).encode()])])

    def run(self, count):
        while self.done < count:
            try:
                self.one()
                self.done += 1
            except (ldap.NO_SUCH_OBJECT, ldap.ALREADY_EXISTS, ldap.NO_SUCH_ATTRIBUTE, ldap.TYPE_OR_VALUE_EXISTS, ldap.CONSTRAINT_VIOLATION,
                    ldap.UNWILLING_TO_PERFORM):
                pass


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

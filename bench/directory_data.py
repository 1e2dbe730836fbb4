#!/usr/bin/python3
"""People and groups as LDIF: directory_data.py PEOPLE GROUPS MEMBERS.  The same numbers give the same octets."""
import base64
import hashlib
import random
import sys

people, groups, members = (int(a) for a in sys.argv[1:4])
rng = random.Random(1)
suffix = "dc=example,dc=org"
first = ["Anna", "Bela", "Carla", "Dora", "Emil", "Fritz", "Gerda", "Hans", "Ida", "Jan", "Karl", "Lena", "Marie", "Nils", "Otto", "Paula"]
out = sys.stdout
out.write("dn: %s\nobjectClass: domain\ndc: example\n\n" % suffix)
for ou in ("people", "groups"):
    out.write("dn: ou=%s,%s\nobjectClass: organizationalUnit\nou: %s\n\n" % (ou, suffix, ou))
for i in range(people):
    salt = rng.randbytes(8)
    password = base64.b64encode(hashlib.sha1(b"secret%d" % i + salt).digest() + salt).decode()
    given, sn = first[i % 16], "Surname%05d" % (i % 10000)
    out.write(
        "dn: uid=user%d,ou=people,%s\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\nuid: user%d\ncn: %s %s %d\nsn: %s\ngivenName: %s\n"
        "mail: user%d@example.org\nuidNumber: %d\ngidNumber: 100\nhomeDirectory: /home/user%d\nloginShell: /bin/sh\n"
        "telephoneNumber: +49 30 %07d\ntitle: Engineer %d\nuserPassword: {SSHA}%s\n\n"
        % (i, suffix, i, given, sn, i, sn, given, i, 10000 + i, i, i, i % 50, password))
for g in range(groups):
    out.write("dn: cn=group%d,ou=groups,%s\nobjectClass: groupOfNames\ncn: group%d\n" % (g, suffix, g))
    for m in sorted(rng.sample(range(people), min(members, people))):
        out.write("member: uid=user%d,ou=people,%s\n" % (m, suffix))
    out.write("\n")

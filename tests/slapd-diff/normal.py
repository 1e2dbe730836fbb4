"""What two servers may spell differently and mean the same: names, values, the order of both."""
import ldap.dn

DN_ATTRIBUTES = {"member", "seealso", "owner", "manager", "secretary", "roleoccupant", "entrydn", "subschemasubentry"}
EXACT = {"homedirectory", "loginshell", "memberuid", "userpassword", "jpegphoto", "labeleduri", "audio"}
SUPERIORS = {
    "inetorgperson": "organizationalperson", "organizationalperson": "person", "person": "top", "posixaccount": "top",
    "shadowaccount": "top", "groupofnames": "top", "posixgroup": "top", "organizationalunit": "top", "device": "top",
    "locality": "top", "uidobject": "top", "labeleduriobject": "top", "account": "top", "organizationalrole": "top",
    "room": "top", "dcobject": "top", "domain": "top", "simplesecurityobject": "top",
}
ALIASES = {
    "commonname": "cn", "surname": "sn", "userid": "uid", "rfc822mailbox": "mail", "gn": "givenname", "localityname": "l",
    "organizationalunitname": "ou", "2.5.4.3": "cn", "2.5.4.4": "sn", "0.9.2342.19200300.100.1.1": "uid", "fax": "facsimiletelephonenumber",
    "domaincomponent": "dc", "organizationname": "o", "streetaddress": "street", "stateorprovincename": "st",
}


def attribute(name):
    name = name.lower().split(";")[0]
    return ALIASES.get(name, name)


def blanks(text):
    return " ".join(text.split())


def dn(text):
    """A DN as a tuple of RDNs, each a sorted tuple of (type, value)."""
    try:
        parsed = ldap.dn.str2dn(text)
    except ldap.DECODING_ERROR:
        return text
    return tuple(tuple(sorted((attribute(t), blanks(v.lower())) for t, v, _ in rdn)) for rdn in parsed)


def value(name, raw):
    if name in EXACT:
        return raw
    text = raw.decode("utf-8", "backslashreplace")
    if name in DN_ATTRIBUTES:
        return dn(text)
    if name == "telephonenumber":
        return text.replace(" ", "").replace("-", "").lower()
    return blanks(text.lower())


def classes(values):
    """An entry of a class is of its superclasses too (RFC 4512 3.3): one server stores them, the other makes them when asked."""
    found = set()
    for v in values:
        while v is not None and v not in found:
            found.add(v)
            v = SUPERIORS.get(v)
    return found


def entry(found):
    """A search entry's attributes as a mapping to frozen sets."""
    shown = {}
    for name, values in found.items():
        name = attribute(name)
        normal = {value(name, v) for v in values}
        shown[name] = frozenset(classes(normal) if name == "objectclass" else normal)
    return shown

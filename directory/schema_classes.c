/* schema_classes.c: the object classes: RFC 4512, 4519, 4524, 2798, 2307, and ours; and what each Cedar type looks like. */
#include "directory/schema.h"

#define ABSTRACT	LG_CLASS_ABSTRACT, LG_TYPE_CONTAINER
#define PLAIN		LG_CLASS_STRUCTURAL, LG_TYPE_CONTAINER
#define AUX		LG_CLASS_AUXILIARY, LG_TYPE_CONTAINER
#define IS(type)	LG_CLASS_STRUCTURAL, LG_TYPE_##type
#define NIS		"1.3.6.1.1.1.2."
#define MONITOR		"1.3.6.1.4.1.4203.666.3.16."
#define OURS		LG_ARC ".2."
#define POSTAL \
	"street postOfficeBox postalCode postalAddress physicalDeliveryOfficeName st l "
#define TELECOM \
	"x121Address registeredAddress destinationIndicator preferredDeliveryMethod telexNumber teletexTerminalIdentifier " \
	"telephoneNumber internationalISDNNumber facsimileTelephoneNumber "
#define ORGANIZATION \
	"userPassword seeAlso businessCategory description " POSTAL TELECOM

const struct lg_class lg_classes[] = {
	{ "2.5.6.0", "top", NULL, ABSTRACT, "objectClass", "" },
	{ "2.5.20.1", "subschema", "top", AUX, "", "attributeTypes objectClasses matchingRules matchingRuleUse" },

	{ "2.5.6.2", "country", "top", PLAIN, "c", "description" },
	{ "2.5.6.3", "locality", "top", PLAIN, "", "street seeAlso st l description" },
	{ "2.5.6.4", "organization", "top", PLAIN, "o", ORGANIZATION },
	{ "2.5.6.5", "organizationalUnit", "top", PLAIN, "ou", ORGANIZATION },
	{ "2.5.6.6", "person", "top", IS(USER), "sn cn", "userPassword telephoneNumber seeAlso description" },
	{ "2.5.6.7", "organizationalPerson", "person", PLAIN, "", "title ou " POSTAL TELECOM },
	{ "2.5.6.8", "organizationalRole", "top", PLAIN, "cn", "roleOccupant seeAlso ou description " POSTAL TELECOM },
	{ "2.5.6.9", "groupOfNames", "top", IS(GROUP), "member cn", "businessCategory seeAlso owner ou o description" },
	{ "2.5.6.10", "residentialPerson", "person", PLAIN, "l", "businessCategory " POSTAL TELECOM },
	{ "2.5.6.11", "applicationProcess", "top", PLAIN, "cn", "seeAlso ou l description" },
	{ "2.5.6.14", "device", "top", PLAIN, "cn", "serialNumber seeAlso owner ou o l description" },
	{ "2.5.6.17", "groupOfUniqueNames", "top", IS(GROUP), "uniqueMember cn", "businessCategory seeAlso owner ou o description" },
	{ "1.2.840.113556.1.3.23", "container", "top", PLAIN, "cn", "description" },
	{ "1.3.6.1.4.1.1466.344", "dcObject", "top", AUX, "dc", "" },
	{ "1.3.6.1.1.3.1", "uidObject", "top", AUX, "uid", "" },
	{ "2.5.6.21", "pkiUser", "top", AUX, "", "userCertificate" },
	{ "2.5.6.22", "pkiCA", "top", AUX, "", "cACertificate" },

	{ "0.9.2342.19200300.100.4.5", "account", "top", PLAIN, "uid", "description seeAlso l o ou host" },
	{ "0.9.2342.19200300.100.4.6", "document", "top", PLAIN, "documentIdentifier",
	    "cn description seeAlso l o ou documentTitle documentVersion documentAuthor documentLocation documentPublisher" },
	{ "0.9.2342.19200300.100.4.9", "documentSeries", "top", PLAIN, "cn", "description l o ou seeAlso telephoneNumber" },
	{ "0.9.2342.19200300.100.4.13", "domain", "top", PLAIN, "dc", "associatedName o " ORGANIZATION },
	{ "0.9.2342.19200300.100.4.17", "domainRelatedObject", "top", AUX, "associatedDomain", "" },
	{ "0.9.2342.19200300.100.4.18", "friendlyCountry", "country", PLAIN, "co", "" },
	{ "0.9.2342.19200300.100.4.7", "room", "top", PLAIN, "cn", "roomNumber description seeAlso telephoneNumber" },
	{ "0.9.2342.19200300.100.4.19", "simpleSecurityObject", "top", AUX, "userPassword", "" },

	{ "2.16.840.1.113730.3.2.2", "inetOrgPerson", "organizationalPerson", PLAIN, "",
	    "audio businessCategory carLicense departmentNumber displayName employeeNumber employeeType givenName homePhone "
	    "homePostalAddress initials jpegPhoto labeledURI mail manager mobile o pager photo roomNumber secretary uid "
	    "userCertificate x500UniqueIdentifier preferredLanguage userSMIMECertificate userPKCS12" },
	{ "1.3.6.1.4.1.250.3.1", "labeledURIObject", "top", AUX, "", "labeledURI" },

	{ NIS "0", "posixAccount", "top", AUX, "cn uid uidNumber gidNumber homeDirectory",
	    "userPassword loginShell gecos description" },
	{ NIS "1", "shadowAccount", "top", AUX, "uid",
	    "userPassword shadowLastChange shadowMin shadowMax shadowWarning shadowInactive shadowExpire shadowFlag description" },
	{ NIS "2", "posixGroup", "top", LG_CLASS_BESIDE, LG_TYPE_GROUP, "cn gidNumber", "userPassword memberUid description" },
	{ NIS "3", "ipService", "top", PLAIN, "cn ipServicePort ipServiceProtocol", "description" },
	{ NIS "4", "ipProtocol", "top", PLAIN, "cn ipProtocolNumber", "description" },
	{ NIS "5", "oncRpc", "top", PLAIN, "cn oncRpcNumber", "description" },
	{ NIS "6", "ipHost", "top", AUX, "cn ipHostNumber", "userPassword l description manager" },
	{ NIS "7", "ipNetwork", "top", PLAIN, "cn ipNetworkNumber", "ipNetmaskNumber l description manager" },
	{ NIS "9", "nisMap", "top", PLAIN, "nisMapName", "description" },
	{ NIS "10", "nisObject", "top", PLAIN, "cn nisMapEntry nisMapName", "description" },
	{ NIS "11", "ieee802Device", "top", AUX, "", "macAddress" },
	{ NIS "12", "bootableDevice", "top", AUX, "", "bootFile bootParameter" },
	{ NIS "16", "automountMap", "top", PLAIN, "automountMapName", "description" },
	{ NIS "17", "automount", "top", PLAIN, "automountKey automountInformation", "description" },
	{ "1.3.6.1.4.1.15953.9.2.1", "sudoRole", "top", PLAIN, "cn",
	    "sudoUser sudoHost sudoCommand sudoRunAs sudoRunAsUser sudoRunAsGroup sudoOption sudoOrder sudoNotBefore sudoNotAfter description" },
	{ "2.16.840.1.113730.3.2.33", "groupOfURLs", "top", IS(GROUP), "cn",
	    "memberURL businessCategory description o ou owner seeAlso" },
	{ "1.3.6.1.4.1.42.2.27.8.2.1", "pwdPolicy", "top", AUX, "pwdAttribute",
	    "pwdMinAge pwdMaxAge pwdInHistory pwdCheckQuality pwdMinLength pwdMaxLength pwdExpireWarning pwdGraceAuthNLimit pwdLockout "
	    "pwdLockoutDuration pwdMaxFailure pwdFailureCountInterval pwdMustChange pwdAllowUserChange pwdSafeModify" },
	{ NIS "8", "nisNetgroup", "top", PLAIN, "cn", "nisNetgroupTriple memberNisNetgroup description" },

	{ "1.3.6.1.4.1.24552.500.1.1.2.0", "ldapPublicKey", "top", AUX, "", "sshPublicKey uid" },
	{ OURS "1", "lgAccount", "top", AUX, "", "lgEnabled sshPublicKey lgSource" },
	{ OURS "20", "lgTenant", "top", AUX, "", "lgScram" },
	{ OURS "2", "lgGroup", "top", IS(GROUP), "cn",
	    "member memberUid gidNumber businessCategory seeAlso owner ou o description displayName" },
	{ OURS "3", "lgService", "top", IS(SERVICE), "cn", "lgProject lgEnabled userPassword description displayName owner seeAlso mail "
	    "associatedDomain ipHostNumber" },
	{ OURS "4", "lgHost", "top", IS(HOST), "cn", "lgEnabled userPassword description displayName owner l serialNumber "
	    "associatedDomain ipHostNumber lgAddressRange" },
	{ OURS "5", "lgProject", "top", IS(PROJECT), "cn", "description displayName owner" },
	{ OURS "6", "lgWorkload", "top", IS(WORKLOAD), "cn", "lgProject lgHost lgImage lgLabel description displayName owner "
	    "associatedDomain ipHostNumber" },
	{ OURS "7", "lgImage", "top", IS(IMAGE), "cn", "lgProject lgDigest lgSigned description displayName owner" },
	{ OURS "8", "lgNetwork", "top", IS(NETWORK), "cn", "lgProject description displayName owner" },
	{ OURS "10", "lgPasswordPolicy", "top", PLAIN, "cn", "description" },
	{ "2.5.6.1", "alias", "top", PLAIN, "aliasedObjectName", "" },
	{ LG_EXTENSIBLE_OBJECT, "extensibleObject", "top", AUX, "", "" },
	{ MONITOR "1", "monitor", "top", PLAIN, "cn", "description seeAlso labeledURI monitoredInfo" },
	{ MONITOR "2", "monitorServer", "monitor", PLAIN, "", "" },
	{ MONITOR "3", "monitorContainer", "monitor", PLAIN, "", "" },
	{ MONITOR "4", "monitorCounterObject", "monitor", PLAIN, "", "" },
	{ MONITOR "5", "monitorOperation", "monitor", PLAIN, "", "" },
	{ MONITOR "8", "monitoredObject", "monitor", PLAIN, "", "" },
	{ OURS "9", "lgClient", "top", IS(CLIENT), "cn", "description displayName owner" },
};
const size_t lg_nclasses = LG_COUNT(lg_classes);

const struct lg_type_form lg_type_forms[LG_TYPES] = {
	[LG_TYPE_CONTAINER] = { "Container", NULL, 0, "" },
	[LG_TYPE_TENANT] = { "Tenant", NULL, 0, "" },
	[LG_TYPE_USER] = { "User", "people", LG_A_UID, "inetOrgPerson lgAccount" },
	[LG_TYPE_GROUP] = { "Group", "groups", LG_A_CN, "lgGroup" },
	[LG_TYPE_SERVICE] = { "Service", "services", LG_A_CN, "lgService" },
	[LG_TYPE_HOST] = { "Host", "hosts", LG_A_CN, "lgHost" },
	[LG_TYPE_PROJECT] = { "Project", "projects", LG_A_CN, "lgProject" },
	[LG_TYPE_WORKLOAD] = { "Workload", "workloads", LG_A_CN, "lgWorkload" },
	[LG_TYPE_IMAGE] = { "Image", "images", LG_A_CN, "lgImage" },
	[LG_TYPE_NETWORK] = { "Network", "networks", LG_A_CN, "lgNetwork" },
	[LG_TYPE_CLIENT] = { "Client", "clients", LG_A_CN, "lgClient" },
};

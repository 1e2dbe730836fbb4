/*
 * schema_attrs.c: the attribute types: RFC 4512, 4519, 4524, 2798, 2307, and ours.
 *
 * Where an RFC names no ordering rule, there is none, with one exception: the numbers of RFC 2307 are compared as integers, as
 * OpenLDAP's nis.schema does, since clients ask (uidNumber>=1000).
 */
#include "directory/schema.h"

#define DS	LG_SYN_DIRECTORY_STRING
#define CI	LG_R_CI, LG_R_NONE, LG_R_CI_SUB
#define CE	LG_R_CE, LG_R_NONE, LG_R_CE_SUB
#define CI_IA5	LG_R_CI_IA5, LG_R_NONE, LG_R_CI_IA5_SUB
#define CE_IA5	LG_R_CE_IA5, LG_R_NONE, LG_R_NONE
#define CE_IA5_SUB	LG_R_CE_IA5, LG_R_NONE, LG_R_CE_IA5_SUB
#define NUM	LG_R_NUM, LG_R_NONE, LG_R_NUM_SUB
#define LIST	LG_R_LIST, LG_R_NONE, LG_R_LIST_SUB
#define TEL	LG_R_TEL, LG_R_NONE, LG_R_TEL_SUB
#define INT	LG_R_INT, LG_R_INT_ORD, LG_R_NONE
#define TIME	LG_R_TIME, LG_R_TIME_ORD, LG_R_NONE
#define ONLY(r)	LG_R_##r, LG_R_NONE, LG_R_NONE
#define NO_RULE	LG_R_NONE, LG_R_NONE, LG_R_NONE
#define SINGLE	LG_AF_SINGLE
#define INDEXED	LG_AF_INDEXED
#define OPER	LG_AF_OPERATIONAL
#define MADE	(LG_AF_OPERATIONAL | LG_AF_READONLY | LG_AF_COMPUTED)
#define COSINE	"0.9.2342.19200300.100.1."
#define NETSCAPE "2.16.840.1.113730.3.1."
#define NIS	"1.3.6.1.1.1.1."
#define KEPT	(LG_AF_OPERATIONAL | LG_AF_COMPUTED | LG_AF_STATE)
#define SUDO	"1.3.6.1.4.1.15953.9.1."
#define PWD	"1.3.6.1.4.1.42.2.27.8.1."
#define MONITOR	"1.3.6.1.4.1.4203.666.1.55."
#define OURS	LG_ARC ".1."

const struct lg_attr lg_attrs[] = {
	/* RFC 4512: the system's */
	{ 1, "2.5.4.0", "objectClass", 0, LG_SYN_OID, ONLY(OID), INDEXED },
	{ 2, "2.5.4.1", "aliasedObjectName aliasedEntryName", 0, LG_SYN_DN, ONLY(DN), SINGLE },
	{ 10, "2.5.18.1", "createTimestamp", 0, LG_SYN_TIME, TIME, SINGLE | MADE },
	{ 11, "2.5.18.2", "modifyTimestamp", 0, LG_SYN_TIME, TIME, SINGLE | MADE },
	{ 12, "2.5.18.3", "creatorsName", 0, LG_SYN_DN, ONLY(DN), SINGLE | MADE },
	{ 13, "2.5.18.4", "modifiersName", 0, LG_SYN_DN, ONLY(DN), SINGLE | MADE },
	{ 14, "2.5.18.10", "subschemaSubentry", 0, LG_SYN_DN, ONLY(DN), SINGLE | MADE },
	{ 15, "2.5.21.9", "structuralObjectClass", 0, LG_SYN_OID, ONLY(OID), SINGLE | MADE },
	{ 17, "1.3.6.1.1.16.4", "entryUUID", 0, LG_SYN_UUID, LG_R_UUID, LG_R_UUID_ORD, LG_R_NONE, SINGLE | MADE },
	{ 18, "1.3.6.1.4.1.4203.666.1.7", "entryCSN", 0, LG_SYN_CSN, LG_R_OCT, LG_R_OCT_ORD, LG_R_NONE, SINGLE | MADE },
	{ 19, "2.5.18.9", "hasSubordinates", 0, LG_SYN_BOOLEAN, ONLY(BOOL), SINGLE | MADE },
	{ 20, "1.2.840.113556.1.2.102", "memberOf", 0, LG_SYN_DN, ONLY(DN), MADE },
	{ 21, "1.3.6.1.1.20", "entryDN", 0, LG_SYN_DN, ONLY(DN), SINGLE | MADE },
	{ 30, "1.3.6.1.4.1.1466.101.120.5", "namingContexts", 0, LG_SYN_DN, NO_RULE, OPER | LG_AF_READONLY },
	{ 31, "1.3.6.1.4.1.1466.101.120.6", "altServer", 0, LG_SYN_IA5, NO_RULE, OPER | LG_AF_READONLY },
	{ 32, "1.3.6.1.4.1.1466.101.120.7", "supportedExtension", 0, LG_SYN_OID, ONLY(OID), OPER | LG_AF_READONLY },
	{ 33, "1.3.6.1.4.1.1466.101.120.13", "supportedControl", 0, LG_SYN_OID, ONLY(OID), OPER | LG_AF_READONLY },
	{ 34, "1.3.6.1.4.1.1466.101.120.14", "supportedSASLMechanisms", 0, DS, CI, OPER | LG_AF_READONLY },
	{ 35, "1.3.6.1.4.1.1466.101.120.15", "supportedLDAPVersion", 0, LG_SYN_INTEGER, INT, OPER | LG_AF_READONLY },
	{ 36, "1.3.6.1.4.1.4203.1.3.5", "supportedFeatures", 0, LG_SYN_OID, ONLY(OID), OPER | LG_AF_READONLY },
	{ 37, "1.3.6.1.1.4", "vendorName", 0, DS, CE, SINGLE | OPER | LG_AF_READONLY },
	{ 38, "1.3.6.1.1.5", "vendorVersion", 0, DS, CE, SINGLE | OPER | LG_AF_READONLY },
	{ 40, "2.5.21.5", "attributeTypes", 0, LG_SYN_ATTRIBUTE_TYPE, NO_RULE, OPER | LG_AF_READONLY },
	{ 41, "2.5.21.6", "objectClasses", 0, LG_SYN_OBJECT_CLASS, NO_RULE, OPER | LG_AF_READONLY },
	{ 42, "2.5.21.4", "matchingRules", 0, LG_SYN_MATCHING_RULE, NO_RULE, OPER | LG_AF_READONLY },
	{ 43, "2.5.21.8", "matchingRuleUse", 0, LG_SYN_RULE_USE, NO_RULE, OPER | LG_AF_READONLY },
	{ 44, "1.3.6.1.4.1.1466.101.120.16", "ldapSyntaxes", 0, LG_SYN_SYNTAX, NO_RULE, OPER | LG_AF_READONLY },

	/* RFC 4519: people, places, organisations */
	{ 60, "2.5.4.41", "name", 0, DS, CI, 0 },
	{ 61, "2.5.4.3", "cn commonName", 60, DS, CI, INDEXED },
	{ 62, "2.5.4.4", "sn surname", 60, DS, CI, INDEXED },
	{ 63, "2.5.4.5", "serialNumber", 0, LG_SYN_PRINTABLE, CI, 0 },
	{ 64, "2.5.4.6", "c countryName", 60, LG_SYN_COUNTRY, CI, SINGLE },
	{ 65, "2.5.4.7", "l localityName", 60, DS, CI, 0 },
	{ 66, "2.5.4.8", "st stateOrProvinceName", 60, DS, CI, 0 },
	{ 67, "2.5.4.9", "street streetAddress", 0, DS, CI, 0 },
	{ 68, "2.5.4.10", "o organizationName", 60, DS, CI, 0 },
	{ 69, "2.5.4.11", "ou organizationalUnitName", 60, DS, CI, 0 },
	{ 70, "2.5.4.12", "title", 60, DS, CI, 0 },
	{ 71, "2.5.4.13", "description", 0, DS, CI, 0 },
	{ 72, "2.5.4.15", "businessCategory", 0, DS, CI, 0 },
	{ 73, "2.5.4.16", "postalAddress", 0, LG_SYN_POSTAL, LIST, 0 },
	{ 74, "2.5.4.17", "postalCode", 0, DS, CI, 0 },
	{ 75, "2.5.4.18", "postOfficeBox", 0, DS, CI, 0 },
	{ 76, "2.5.4.19", "physicalDeliveryOfficeName", 0, DS, CI, 0 },
	{ 77, "2.5.4.20", "telephoneNumber", 0, LG_SYN_TELEPHONE, TEL, 0 },
	{ 78, "2.5.4.21", "telexNumber", 0, LG_SYN_OCTETS, NO_RULE, 0 },
	{ 79, "2.5.4.22", "teletexTerminalIdentifier", 0, LG_SYN_OCTETS, NO_RULE, 0 },
	{ 80, "2.5.4.23", "facsimileTelephoneNumber fax", 0, LG_SYN_FAX, NO_RULE, 0 },
	{ 81, "2.5.4.24", "x121Address", 0, LG_SYN_NUMERIC, NUM, 0 },
	{ 82, "2.5.4.25", "internationalISDNNumber", 0, LG_SYN_NUMERIC, NUM, 0 },
	{ 83, "2.5.4.26", "registeredAddress", 73, LG_SYN_POSTAL, LIST, 0 },
	{ 84, "2.5.4.27", "destinationIndicator", 0, LG_SYN_PRINTABLE, CI, 0 },
	{ 85, "2.5.4.28", "preferredDeliveryMethod", 0, LG_SYN_DELIVERY, NO_RULE, SINGLE },
	{ 86, "2.5.4.49", "distinguishedName", 0, LG_SYN_DN, ONLY(DN), 0 },
	{ 87, "2.5.4.31", "member", 86, LG_SYN_DN, ONLY(DN), LG_AF_MEMBER },
	{ 88, "2.5.4.32", "owner", 86, LG_SYN_DN, ONLY(DN), 0 },
	{ 89, "2.5.4.33", "roleOccupant", 86, LG_SYN_DN, ONLY(DN), 0 },
	{ 90, "2.5.4.34", "seeAlso", 86, LG_SYN_DN, ONLY(DN), 0 },
	{ 91, "2.5.4.35", "userPassword", 0, LG_SYN_OCTETS, ONLY(OCT), LG_AF_SECRET },
	{ 92, "2.5.4.36", "userCertificate", 0, LG_SYN_CERTIFICATE, ONLY(OCT), 0 },
	{ 93, "2.5.4.37", "cACertificate", 0, LG_SYN_CERTIFICATE, ONLY(OCT), 0 },
	{ 94, "2.5.4.42", "givenName gn", 60, DS, CI, 0 },
	{ 95, "2.5.4.43", "initials", 60, DS, CI, 0 },
	{ 96, "2.5.4.44", "generationQualifier", 60, DS, CI, 0 },
	{ 97, "2.5.4.45", "x500UniqueIdentifier", 0, LG_SYN_BITS, ONLY(BITS), 0 },
	{ 98, "2.5.4.46", "dnQualifier", 0, LG_SYN_PRINTABLE, LG_R_CI, LG_R_CI_ORD, LG_R_CI_SUB, 0 },
	{ 99, "2.5.4.50", "uniqueMember", 0, LG_SYN_NAME_UID, ONLY(NAME_UID), 0 },
	{ 100, "2.5.4.51", "houseIdentifier", 0, DS, CI, 0 },
	{ 105, COSINE "1", "uid userid", 0, DS, CI, INDEXED },
	{ 110, COSINE "25", "dc domainComponent", 0, LG_SYN_IA5, CI_IA5, SINGLE },

	/* RFC 4524: COSINE */
	{ 112, COSINE "3", "mail rfc822Mailbox", 0, LG_SYN_IA5, CI_IA5, INDEXED },
	{ 113, COSINE "4", "info", 0, DS, CI, 0 },
	{ 114, COSINE "5", "drink favouriteDrink", 0, DS, CI, 0 },
	{ 115, COSINE "6", "roomNumber", 0, DS, CI, 0 },
	{ 116, COSINE "7", "photo", 0, LG_SYN_OCTETS, NO_RULE, 0 },
	{ 117, COSINE "8", "userClass", 0, DS, CI, 0 },
	{ 118, COSINE "9", "host", 0, DS, CI, 0 },
	{ 119, COSINE "10", "manager", 0, LG_SYN_DN, ONLY(DN), 0 },
	{ 120, COSINE "11", "documentIdentifier", 0, DS, CI, 0 },
	{ 121, COSINE "12", "documentTitle", 0, DS, CI, 0 },
	{ 122, COSINE "13", "documentVersion", 0, DS, CI, 0 },
	{ 123, COSINE "14", "documentAuthor", 0, LG_SYN_DN, ONLY(DN), 0 },
	{ 124, COSINE "15", "documentLocation", 0, DS, CI, 0 },
	{ 125, COSINE "20", "homePhone homeTelephoneNumber", 0, LG_SYN_TELEPHONE, TEL, 0 },
	{ 126, COSINE "21", "secretary", 0, LG_SYN_DN, ONLY(DN), 0 },
	{ 127, COSINE "37", "associatedDomain", 0, LG_SYN_IA5, CI_IA5, 0 },
	{ 128, COSINE "38", "associatedName", 0, LG_SYN_DN, ONLY(DN), 0 },
	{ 129, COSINE "39", "homePostalAddress", 0, LG_SYN_POSTAL, LIST, 0 },
	{ 130, COSINE "40", "personalTitle", 0, DS, CI, 0 },
	{ 131, COSINE "41", "mobile mobileTelephoneNumber", 0, LG_SYN_TELEPHONE, TEL, 0 },
	{ 132, COSINE "42", "pager pagerTelephoneNumber", 0, LG_SYN_TELEPHONE, TEL, 0 },
	{ 133, COSINE "43", "co friendlyCountryName", 0, DS, CI, 0 },
	{ 134, COSINE "44", "uniqueIdentifier", 0, DS, CI, 0 },
	{ 135, COSINE "45", "organizationalStatus", 0, DS, CI, 0 },
	{ 136, COSINE "48", "buildingName", 0, DS, CI, 0 },
	{ 137, COSINE "55", "audio", 0, LG_SYN_OCTETS, NO_RULE, 0 },
	{ 138, COSINE "56", "documentPublisher", 0, DS, CI, 0 },
	{ 139, COSINE "60", "jpegPhoto", 0, LG_SYN_JPEG, NO_RULE, 0 },

	/* RFC 2798: inetOrgPerson */
	{ 145, NETSCAPE "1", "carLicense", 0, DS, CI, 0 },
	{ 146, NETSCAPE "2", "departmentNumber", 0, DS, CI, 0 },
	{ 147, NETSCAPE "3", "employeeNumber", 0, DS, CI, SINGLE },
	{ 148, NETSCAPE "4", "employeeType", 0, DS, CI, 0 },
	{ 149, NETSCAPE "39", "preferredLanguage", 0, DS, CI, SINGLE },
	{ 150, NETSCAPE "241", "displayName", 0, DS, CI, SINGLE },
	{ 151, NETSCAPE "40", "userSMIMECertificate", 0, LG_SYN_OCTETS, NO_RULE, 0 },
	{ 152, NETSCAPE "216", "userPKCS12", 0, LG_SYN_OCTETS, NO_RULE, 0 },
	{ 153, "1.3.6.1.4.1.250.1.57", "labeledURI", 0, DS, ONLY(CE), 0 },

	/* RFC 2307: UNIX accounts */
	{ 160, NIS "0", "uidNumber", 0, LG_SYN_INTEGER, INT, SINGLE | INDEXED },
	{ 161, NIS "1", "gidNumber", 0, LG_SYN_INTEGER, INT, SINGLE | INDEXED },
	{ 162, NIS "2", "gecos", 0, LG_SYN_IA5, CI_IA5, SINGLE },
	{ 163, NIS "3", "homeDirectory", 0, LG_SYN_IA5, CE_IA5, SINGLE },
	{ 164, NIS "4", "loginShell", 0, LG_SYN_IA5, CE_IA5, SINGLE },
	{ 165, NIS "5", "shadowLastChange", 0, LG_SYN_INTEGER, INT, SINGLE },
	{ 166, NIS "6", "shadowMin", 0, LG_SYN_INTEGER, INT, SINGLE },
	{ 167, NIS "7", "shadowMax", 0, LG_SYN_INTEGER, INT, SINGLE },
	{ 168, NIS "8", "shadowWarning", 0, LG_SYN_INTEGER, INT, SINGLE },
	{ 169, NIS "9", "shadowInactive", 0, LG_SYN_INTEGER, INT, SINGLE },
	{ 170, NIS "10", "shadowExpire", 0, LG_SYN_INTEGER, INT, SINGLE },
	{ 171, NIS "11", "shadowFlag", 0, LG_SYN_INTEGER, INT, SINGLE },
	{ 172, NIS "12", "memberUid", 0, LG_SYN_IA5, CE_IA5_SUB, INDEXED },
	{ 173, NIS "13", "memberNisNetgroup", 0, LG_SYN_IA5, CE_IA5_SUB, 0 },
	{ 174, NIS "14", "nisNetgroupTriple", 0, LG_SYN_NIS_TRIPLE, NO_RULE, 0 },
	{ 175, NIS "19", "ipHostNumber", 0, LG_SYN_IA5, CI_IA5, 0 },
	{ 176, NIS "16", "ipServiceProtocol", 0, DS, CI, 0 },
	{ 177, NIS "17", "ipProtocolNumber", 0, LG_SYN_INTEGER, INT, SINGLE },
	{ 178, NIS "18", "oncRpcNumber", 0, LG_SYN_INTEGER, INT, SINGLE },
	{ 179, NIS "15", "ipServicePort", 0, LG_SYN_INTEGER, INT, SINGLE },
	{ 180, NIS "20", "ipNetworkNumber", 0, LG_SYN_IA5, CI_IA5, SINGLE },
	{ 181, NIS "21", "ipNetmaskNumber", 0, LG_SYN_IA5, CI_IA5, SINGLE },
	{ 182, NIS "22", "macAddress", 0, LG_SYN_IA5, CI_IA5, 0 },
	{ 183, NIS "23", "bootParameter", 0, LG_SYN_IA5, CE_IA5, 0 },
	{ 184, NIS "24", "bootFile", 0, LG_SYN_IA5, CE_IA5, 0 },
	{ 185, NIS "26", "nisMapName", 60, DS, CI, 0 },
	{ 186, NIS "27", "nisMapEntry", 0, LG_SYN_IA5, CE_IA5, SINGLE },

	/* RFC 2307bis: mounts; sudo's rules; groups by search (Netscape's, OpenLDAP's dyngroup.schema) */
	{ 187, NIS "31", "automountMapName", 0, DS, CI, SINGLE },
	{ 188, NIS "32", "automountKey", 0, DS, CE, SINGLE },
	{ 189, NIS "33", "automountInformation", 0, DS, CE, SINGLE },
	{ 190, SUDO "1", "sudoUser", 0, LG_SYN_IA5, CE_IA5_SUB, INDEXED },
	{ 191, SUDO "2", "sudoHost", 0, LG_SYN_IA5, CI_IA5, 0 },
	{ 192, SUDO "3", "sudoCommand", 0, LG_SYN_IA5, CE_IA5_SUB, 0 },
	{ 193, SUDO "4", "sudoRunAs", 0, LG_SYN_IA5, CE_IA5, 0 },
	{ 194, SUDO "5", "sudoOption", 0, LG_SYN_IA5, CE_IA5, 0 },
	{ 195, SUDO "6", "sudoRunAsUser", 0, LG_SYN_IA5, CE_IA5, 0 },
	{ 196, SUDO "7", "sudoRunAsGroup", 0, LG_SYN_IA5, CE_IA5, 0 },
	{ 197, SUDO "8", "sudoNotBefore", 0, LG_SYN_TIME, TIME, 0 },
	{ 198, SUDO "9", "sudoNotAfter", 0, LG_SYN_TIME, TIME, 0 },
	{ 199, SUDO "10", "sudoOrder", 0, LG_SYN_INTEGER, INT, 0 },
	{ 154, NETSCAPE "198", "memberURL", 153, DS, CE, 0 },

	/* ours */
	{ 200, OURS "1", "lgEnabled", 0, LG_SYN_BOOLEAN, ONLY(BOOL), SINGLE },
	{ 201, "1.3.6.1.4.1.24552.500.1.1.1.13", "sshPublicKey", 0, LG_SYN_OCTETS, ONLY(OCT), 0 },
	{ 202, OURS "2", "lgProject", 0, LG_SYN_DN, ONLY(DN), INDEXED | LG_AF_REFERENCE },
	{ 203, OURS "3", "lgHost", 0, LG_SYN_DN, ONLY(DN), SINGLE | INDEXED | LG_AF_REFERENCE },
	{ 204, OURS "4", "lgImage", 0, LG_SYN_DN, ONLY(DN), SINGLE | INDEXED | LG_AF_REFERENCE },
	{ 205, OURS "5", "lgLabel", 0, DS, CE, 0 },
	{ 206, OURS "6", "lgDigest", 0, LG_SYN_IA5, CE_IA5, SINGLE | INDEXED },
	{ 208, OURS "20", "lgScram", 0, LG_SYN_BOOLEAN, ONLY(BOOL), SINGLE },
	{ 209, OURS "21", "lgSource", 0, DS, CE, SINGLE | INDEXED },
	{ 231, OURS "22", "lgAddressRange", 0, LG_SYN_IA5, CI_IA5, 0 },
	{ 207, OURS "7", "lgSigned", 0, LG_SYN_BOOLEAN, ONLY(BOOL), SINGLE },

	/* draft-behera-ldap-password-policy-11: the policy, and what is kept beside an entry's password */
	{ 210, PWD "1", "pwdAttribute", 0, LG_SYN_OID, ONLY(OID), 0 },
	{ 211, PWD "2", "pwdMinAge", 0, LG_SYN_INTEGER, INT, SINGLE },
	{ 212, PWD "3", "pwdMaxAge", 0, LG_SYN_INTEGER, INT, SINGLE },
	{ 213, PWD "4", "pwdInHistory", 0, LG_SYN_INTEGER, INT, SINGLE },
	{ 214, PWD "5", "pwdCheckQuality", 0, LG_SYN_INTEGER, INT, SINGLE },
	{ 215, PWD "6", "pwdMinLength", 0, LG_SYN_INTEGER, INT, SINGLE },
	{ 216, PWD "31", "pwdMaxLength", 0, LG_SYN_INTEGER, INT, SINGLE },
	{ 217, PWD "7", "pwdExpireWarning", 0, LG_SYN_INTEGER, INT, SINGLE },
	{ 218, PWD "8", "pwdGraceAuthNLimit", 0, LG_SYN_INTEGER, INT, SINGLE },
	{ 219, PWD "9", "pwdLockout", 0, LG_SYN_BOOLEAN, ONLY(BOOL), SINGLE },
	{ 220, PWD "10", "pwdLockoutDuration", 0, LG_SYN_INTEGER, INT, SINGLE },
	{ 221, PWD "11", "pwdMaxFailure", 0, LG_SYN_INTEGER, INT, SINGLE },
	{ 222, PWD "12", "pwdFailureCountInterval", 0, LG_SYN_INTEGER, INT, SINGLE },
	{ 223, PWD "13", "pwdMustChange", 0, LG_SYN_BOOLEAN, ONLY(BOOL), SINGLE },
	{ 224, PWD "14", "pwdAllowUserChange", 0, LG_SYN_BOOLEAN, ONLY(BOOL), SINGLE },
	{ 225, PWD "15", "pwdSafeModify", 0, LG_SYN_BOOLEAN, ONLY(BOOL), SINGLE },
	{ 226, PWD "16", "pwdChangedTime", 0, LG_SYN_TIME, TIME, SINGLE | MADE },
	{ 227, PWD "17", "pwdAccountLockedTime", 0, LG_SYN_TIME, TIME, SINGLE | KEPT },
	{ 228, PWD "21", "pwdGraceUseTime", 0, LG_SYN_TIME, TIME, MADE },
	{ 229, PWD "22", "pwdReset", 0, LG_SYN_BOOLEAN, ONLY(BOOL), SINGLE | KEPT },
	{ 230, PWD "23", "pwdPolicySubentry", 0, LG_SYN_DN, ONLY(DN), SINGLE | OPER | LG_AF_REFERENCE },

	/* OpenLDAP's monitor */
	{ 235, MONITOR "1", "monitoredInfo", 0, DS, CI, OPER | LG_AF_READONLY },
	{ 236, MONITOR "3", "monitorCounter", 0, LG_SYN_INTEGER, INT, OPER | LG_AF_READONLY },
	{ 237, MONITOR "4", "monitorOpCompleted", 236, LG_SYN_INTEGER, INT, OPER | LG_AF_READONLY },
	{ 239, "1.3.6.1.4.1.4203.666.1.10", "monitorContext", 0, LG_SYN_DN, ONLY(DN), SINGLE | OPER | LG_AF_READONLY },
	{ 238, MONITOR "10", "monitorTimestamp", 0, LG_SYN_TIME, TIME, SINGLE | OPER | LG_AF_READONLY },
};
const size_t lg_nattrs = LG_COUNT(lg_attrs);

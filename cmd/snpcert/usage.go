package main

// usageText is what "snpcert help" prints.
const usageText = `snpcert - certificates for GameNetworkingSockets without Steam

usage:
  snpcert ca [flags]                  make an authority
  snpcert intermediate [flags]        make an authority that another vouches for
  snpcert issue [flags]               certify an identity, or many
  snpcert show [flags] FILE...        tell what is in files
  snpcert verify [flags] FILE         tell whether a certificate is good
  snpcert revoke [flags] KEY...       add keys to a list of revoked ones
  snpcert serve [flags]               issue certificates over HTTP
  snpcert request [flags]             get a certificate from such a service
  snpcert help [COMMAND]              this text, or that of a command; also -h

A certificate says that an authority vouches for a key to be that of an
identity, for some apps and until some time. Who trusts the authority then
knows who is at the other end of a connection. Five minutes to that:

  snpcert ca -o ca.key                           once; keep ca.key to yourself
  snpcert issue -ca ca.key -identity str:server -o server.cert
  snpcert issue -ca ca.key -identity str:bob -o bob.cert
  snpcert verify -ca ca.key.pub -identity str:bob bob.cert

Give ca.key.pub to everybody, server.cert to the server and bob.cert to bob.

files (all of them text):
  ca.key         a private key, as ssh-keygen writes it and reads it
  ca.key.pub     whom to trust: public keys as in OpenSSH's authorized_keys,
                 and certificates of intermediate authorities
  bob.cert       credentials: a certificate and its private key. A certificate
                 alone is no secret, and looks the same without the key
  revoked        a list of key ids, one per line
  Files of Valve's certtool are read as well, its JSON included.

Nothing is overwritten. Private keys are written such that only the owner can
read them, and are refused if others can (not on Windows, where the directory
has to take care of that). The passphrase of an encrypted key is the first line
of the file that -passphrase-file names, or else comes from the environment
variable SNPCERT_PASSPHRASE. To change it: ssh-keygen -p -f ca.key

Times are a number with a unit: 12h, 30d, 2y (365 days each), 1d12h.
Certificates end before 2038-01-19: from then on Valve's library calculates
wrongly.

Results go to standard output, everything else to standard error.
exit status: 0 done, 1 failed or not good, 2 wrong usage
`

const caUsage = `usage: snpcert ca [flags]

Makes an authority: a private key, and beside it, with ".pub" behind its name,
the public key that all who are to trust it need.

  -o FILE                Where to write the private key (default ca.key).
  -comment TEXT          What to call the key in both files.
  -passphrase-file FILE  Encrypt the private key with the passphrase in FILE.
                         Default: that in SNPCERT_PASSPHRASE; none, no
                         encryption.

examples:
  snpcert ca
  snpcert ca -o root.key -comment "Example Games root 2027" \
      -passphrase-file root.pass
`

const intermediateUsage = `usage: snpcert intermediate -ca FILE -o NAME [flags]

Makes an authority that another one vouches for, within limits: its private key
is NAME.key (and the public one NAME.key.pub), its certificate NAME.cert. Who
trusts the other one and has NAME.cert believes what the new one signs. So the
key of the root can stay in a safe.

  -ca FILE               Private key of the authority that signs.
  -ca-cert FILE          Its certificate, if it is not a root itself, and those
                         above it. They limit what it may sign.
  -o NAME                What the names of the files begin with.
  -pub FILE              Sign the public key in FILE instead of making a key.
  -app N,N               Apps for which it may sign (default: all).
  -pop CODE,CODE         Points of presence for which it may sign (default:
                         all); codes of 3 or 4 letters, such as iad.
  -ip ADDR,RANGE         Addresses for which it may sign (default: all).
  -expiry TIME           How long it is good (default 2y, or as long as the
                         authority that signs).
  -comment TEXT          What to call the new key in its files.
  -passphrase-file FILE  Where the passphrase of the key of -ca is.
  -new-passphrase-file FILE
                         Encrypt the new private key with the passphrase in
                         FILE. Default: no encryption.

example:
  snpcert intermediate -ca ca.key -app 730 -pop iad,sto -expiry 365d -o sub
  cat ca.key.pub sub.cert >trust        for everybody
  snpcert issue -ca sub.key -ca-cert sub.cert -app 730 -identity str:bob
`

const issueUsage = `usage: snpcert issue -ca FILE -identity ID [flags]
       snpcert issue -ca FILE -list FILE -d DIRECTORY [flags]

Certifies identities. Unless told whose key to sign, it makes a key for each and
writes it into the same file as the certificate, for its owner only.

  -ca FILE               Private key of the authority that signs.
  -ca-cert FILE          Its certificate, if it is not a root, and those above
                         it. They limit what it may sign.
  -passphrase-file FILE  Where the passphrase of the key of -ca is.
  -identity ID           Who it is about, such as str:bob or
                         steamid:76561197960265729.
  -app N,N               Apps for which it is good (default 0).
  -pop CODE,CODE         Points of presence for which it is good (default: all).
  -ip ADDR,RANGE         Addresses at which its owner may be (default: all).
                         Valve's library does not look at them.
  -expiry TIME           How long it is good (default 30d, or as long as the
                         authority).
  -o FILE                Where to write it. Default: a name made of the
                         identity, such as str-bob.cert.

somebody else's key (only the certificate is written; -o - is standard output):
  -pub FILE              Sign the public key in FILE.
  -request FILE          Sign the certificate request in FILE, as the function
                         GetCertificateRequest makes it. If it names an
                         identity, that must be the one of -identity, which may
                         be left out then.

many at once:
  -list FILE             Certify every identity in FILE, which has one per line.
                         If one fails, none is issued.
  -d DIRECTORY           Where to write the files, one for each.

examples:
  snpcert issue -ca ca.key -identity str:bob -o bob.cert
  snpcert issue -ca ca.key -identity str:bob -pub bob.pub -o bob.cert
  snpcert issue -ca sub.key -ca-cert sub.cert -app 730 -list players -d certs
`

const showUsage = `usage: snpcert show [flags] FILE...

Tells what is in files: certificates, keys, requests, lists of revoked keys. It
verifies nothing, and never shows a private key, only that there is one.

  -json                  One JSON object for each thing, with the keys of
                         Valve's certtool (public_key_id, public_key, cert,
                         ca_key_id, app_ids, pop_ids, time_created, time_expiry
                         and the times as text), and file, kind, identity,
                         ip_addresses, authority, has_private_key, encrypted,
                         comment, revoked_key_id.
  -passphrase-file FILE  Where the passphrase of an encrypted key is. It is not
                         needed: the public half can be read without.

example:
  snpcert show bob.cert ca.key.pub revoked
`

const verifyUsage = `usage: snpcert verify -ca FILE [flags] FILE

Tells whether the certificate in FILE is good: exit status 0 if so, otherwise 1,
with the check that failed. If there is a private key in FILE, only the
certificate that belongs to it is looked at; otherwise all must be good.

  -ca FILE        Whom to trust; repeat for more.
  -revoked FILE   Which keys not to trust any more; repeat for more.
  -identity ID    It must be this one's. Without this flag it may be anybody's.
  -app N,N        It must be good for these apps. Without this flag any will do.
  -pop CODE,CODE  It must be good for these points of presence.
  -ip ADDR,ADDR   It must be good for these addresses.
  -at TIME        When (default now): 2027-01-31, 2027-01-31T12:00:00Z, or a
                  number of Unix seconds.

The checks: certificate, identity, signature, authority, expiry, revocation,
scope (of the authorities), app, pop, address.

example:
  snpcert verify -ca ca.key.pub -revoked revoked -identity str:bob bob.cert
`

const revokeUsage = `usage: snpcert revoke -list FILE KEY...

Adds keys to a list of revoked ones, which everybody who verifies has to get.
KEY is a key id (123 or ID123), or a file with just one key or certificate. To
revoke an authority's key is to revoke all that it signed.

  -list FILE      The list. It is made if there is none, and replaced in one
                  step otherwise.
  -reason TEXT    To be written beside the keys.

Revoking is for good. Remember to take away the token, too, with which the owner
could get another certificate from an issuing service.

examples:
  snpcert revoke -list revoked bob.cert
  snpcert revoke -list revoked -reason "laptop stolen" ID5496471085465093974
`

const serveUsage = `usage: snpcert serve -ca FILE -tokens FILE [flags]

Issues certificates over HTTP to those who have a token. Programs made with this
library get and renew theirs by themselves; 'snpcert request' is for the rest.

  -ca FILE               Private key of the authority that signs.
  -ca-cert FILE          Its certificate, if it is not a root, and those above.
  -passphrase-file FILE  Where the passphrase of the key of -ca is.
  -tokens FILE           Who may have what; a secret file, with lines of
                         TOKEN IDENTITY-OR-PATTERN [lifetime=30d]
                         A token has at least 16 characters; patterns end in *,
                         such as str:guild-*.
  -listen ADDR:PORT      Where to listen (default 127.0.0.1:8770). Without TLS
                         it must be an address of this machine only.
  -tls-cert FILE         Certificate of the web server (PEM), and
  -tls-key FILE          its private key, to serve HTTPS.
  -expiry TIME           How long certificates are good (default 1d).
  -app N,N               Apps for which they are good (default 0).
  -pop CODE,CODE         Points of presence for which they are good.
  -ip ADDR,RANGE         Addresses at which their owners may be.
  -trust FILE            What to tell those who ask whom to trust. Default: this
                         authority, if it is a root.
  -revoked FILE          What to tell those who ask which keys are revoked.

SIGHUP makes it read all files but the authority's anew. An interrupt ends it
when the requests under way are answered. Every certificate is logged with its
identity and key id, to standard error; tokens never are.

example:
  echo "$(openssl rand -hex 16) str:bob" >tokens && chmod 600 tokens
  snpcert serve -ca ca.key -tokens tokens
`

const requestUsage = `usage: snpcert request -url URL -token-file FILE [flags]

Makes a key, gets a certificate for it from an issuing service (see 'snpcert
serve -h'), and writes both into one file, for its owner only. The private key
stays here.

  -url URL          The service's, such as https://ca.example.com. HTTP without
                    TLS is for this machine only.
  -token-file FILE  A secret file that holds nothing but the token.
  -identity ID      Who it is about. It may be left out if the token is for one
                    identity.
  -o FILE           Where to write it. Default: a name made of the identity,
                    such as str-bob.cert.
  -ca FILE          Take the certificate only if those whom FILE says to trust
                    vouch for it; repeat for more.
  -tls-ca FILE      Authorities of web servers (PEM) to trust, instead of the
                    system's.
  -timeout TIME     Give up after that time (default 30s).

example:
  snpcert request -url http://127.0.0.1:8770 -token-file bob.token \
      -ca ca.key.pub -o bob.cert
`

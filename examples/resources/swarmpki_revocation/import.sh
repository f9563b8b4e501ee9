# By the serial number of the revoked certificate. It is on record as revoked
# now, for the reason "unspecified".
terraform import swarmpki_revocation.old_ci 3b:1c:06:5e:8a:11:90:47

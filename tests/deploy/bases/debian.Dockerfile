# Debian as debootstrap makes it, with the authorities that the building machine trusts: a mirror may have its own.
ARG ROOTFS
FROM ${ROOTFS}
COPY trusted.pem /etc/ssl/certs/ca-certificates.crt
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt

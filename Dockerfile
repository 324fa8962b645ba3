# One recipe for both services. The build context is the directory that `deploy/compile.sh` fills:
#   docker build --build-arg SERVICE=caller -f Dockerfile -t reliability/caller:dev .build/linux-amd64
# The binary is static and compiled outside, so the image holds nothing else: no shell, no libc, nothing to patch.
FROM scratch
# By which `make down` finds also what later builds have taken the tag from.
LABEL reliability.dev/image=service
ARG SERVICE
COPY ${SERVICE} /service
# A number, not a name: there is no /etc/passwd, and the kubelet checks runAsNonRoot against numbers only.
USER 65532:65532
ENTRYPOINT ["/service"]

# One image, every role: docker run drover serve coordinator
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
# The image needs the product's module alone, not the workspace.
ENV GOWORK=off CGO_ENABLED=0
RUN go mod download
COPY gen ./gen
COPY internal ./internal
COPY services ./services
COPY embedded ./embedded
COPY cmd ./cmd
ARG VERSION=dev
RUN go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/drover ./cmd/drover \
 && mkdir -p /out/state

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/drover /usr/local/bin/drover
# Owned by the user the image runs as, so that a volume mounted here is writable.
COPY --from=build --chown=nonroot:nonroot /out/state /var/lib/drover
WORKDIR /var/lib/drover
USER nonroot:nonroot
ENTRYPOINT ["/usr/local/bin/drover"]
CMD ["--help"]

# docker build --target web -t demiurge-web .        pages, API, edge; starts gateways as processes of its own
# docker build --target gateway -t demiurge-gateway . one gateway
# What people's own machines join by (docs/own-machine.md) needs root, --cap-add NET_ADMIN and --device /dev/net/tun; everything else does without.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
COPY --from=node:20-bookworm-slim /usr/local/bin/node /usr/local/bin/node
COPY --from=node:20-bookworm-slim /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN dotnet publish Demiurge.Web -c Release -o /out/web \
 && dotnet publish Demiurge.Gateway -c Release -o /out/gateway

FROM mcr.microsoft.com/dotnet/aspnet:10.0 AS base
RUN apt-get update \
 && apt-get install -y --no-install-recommends iptables openvpn \
 && rm -rf /var/lib/apt/lists/*

FROM base AS gateway
WORKDIR /app
COPY --from=build /out/gateway ./
USER $APP_UID
ENTRYPOINT ["dotnet", "Demiurge.Gateway.dll"]

FROM base AS web
WORKDIR /app
COPY --from=build /out/web ./web
COPY --from=build /out/gateway ./gateway
RUN install -d -o "$APP_UID" /data
USER $APP_UID
ENV ASPNETCORE_ENVIRONMENT=Production \
    Demiurge__DataPath=/data \
    Demiurge__Listen=everywhere \
    Demiurge__Port=8080
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["dotnet", "web/Demiurge.Web.dll"]

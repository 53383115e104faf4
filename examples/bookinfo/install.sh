#!/bin/sh
# Installs Istio and the application.
istioctl operator init # planted: DOC0001 the command is gone
kubectl apply -f .

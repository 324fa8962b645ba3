// Package manifests tests what kustomize makes of each overlay, and deploy/kind.yaml, without a cluster. It needs
// kubectl alone. What the cluster does with them is package cluster's.
//
// There is nothing here to import.
package manifests

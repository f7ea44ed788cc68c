package main

import (
	"github.com/spf13/cobra"
)

func newSchema(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schema (convert|diff)",
		Short: "Convert a schema, or compare two",
		Long: `Work with schemas alone: convert writes the statements that a migration would run in
its target, diff compares the schemas of two databases. Neither changes a database.`,
		Example: `  drover schema convert mysql://shop@db1.example.com/shop postgres://shop@db2.example.com/shop
  drover schema diff mysql://shop@db1.example.com/shop postgres://shop@db2.example.com/shop`,
		Args: cobra.ArbitraryArgs,
		RunE: group,
	}
	cmd.AddCommand(newSchemaConvert(a), newSchemaDiff(a))
	return cmd
}

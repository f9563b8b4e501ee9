package tf

// Plan plans, for callers that expect what a plan refuses: its error holds what
// terraform says.
func (c *Config) Plan(args ...string) error {
	ctx, cancel := bounded()
	defer cancel()
	_, err := c.dir.Plan(ctx, args...)
	return err
}

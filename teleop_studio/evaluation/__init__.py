"""Counting trials honestly: sheets, intervals, paired comparison and the report. numpy and scipy only."""
